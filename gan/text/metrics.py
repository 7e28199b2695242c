def evaluate(pipeline, train_set, test_set):
    return {"metrics": []}
