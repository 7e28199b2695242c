// Loads ONNX Runtime and the generator, then draws pictures on request, so that the page stays responsive.

let ort, codes, generator, size;

async function fetchChecked(url, integrity) {
  const answer = await fetch(url, integrity ? { integrity } : {});
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}.`);
  return answer;
}

async function load(record) {
  const { from, integrity } = record.runtime;
  const [[script, scriptHash], [wasm, wasmHash]] = integrity;
  const [code, binary, ...halves] = await Promise.all([
    fetchChecked(from + script, scriptHash).then((answer) => answer.blob()),
    fetchChecked(from + wasm, wasmHash).then((answer) => answer.arrayBuffer()),
    ...["codes.onnx", "draw.onnx"].map((name) => fetchChecked(name).then((answer) => answer.arrayBuffer())),
  ]);
  // Imported from the bytes that were checked, and not fetched again.
  ort = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  ort.env.wasm.wasmBinary = binary;
  ort.env.wasm.numThreads = 1; // more would need headers (COOP, COEP) that a plain web server does not send
  [codes, generator] = await Promise.all(halves.map((half) => ort.InferenceSession.create(half)));
  size = record.outputs.images.shape.slice(1);
  await draw({ seed: 0, count: 1, label: -1, truncation: 1, moves: [] }); // the first run is slower
  return { ready: true };
}

// Pictures of consecutive seeds, their codes moved along directions: `moves` are pairs of a strength and a vector.
async function draw({ seed, count, label, truncation, moves }) {
  const start = performance.now();
  const feeds = {
    seeds: new ort.Tensor("int64", BigInt64Array.from({ length: count }, (_, k) => BigInt(seed + k)), [count]),
    truncation: new ort.Tensor("float32", [truncation], []),
  };
  if (codes.inputNames.includes("classes")) {
    feeds.classes = new ort.Tensor("int64", new BigInt64Array(count).fill(BigInt(label)), [count, 1]);
  }
  const { codes: made, labels } = await codes.run(feeds);
  const each = made.data.length / count;
  for (const [strength, vector] of moves) made.data.forEach((value, k) => (made.data[k] = value + strength * vector[k % each]));
  const { images } = await generator.run({ codes: made });
  const milliseconds = performance.now() - start;
  return { seed, pictures: rgba(images.data, count), labels: labels && Array.from(labels.data, Number), milliseconds };
}

// (batch, channels, height, width) in [-1, 1] to the pixels of each picture.
function rgba(values, count) {
  const [channels, height, width] = size;
  const area = height * width;
  return Array.from({ length: count }, (_, k) => {
    const pixels = new Uint8ClampedArray(4 * area).fill(255); // its assignment rounds half to even, as PyTorch does
    for (let colour = 0; colour < 3; colour++) {
      const at = (k * channels + Math.min(colour, channels - 1)) * area;
      for (let p = 0; p < area; p++) pixels[4 * p + colour] = values[at + p] * 127.5 + 127.5;
    }
    return pixels;
  });
}

addEventListener("message", async ({ data }) => {
  try {
    postMessage(data.record ? await load(data.record) : await draw(data));
  } catch (error) {
    postMessage({ error: String(error.message ?? error) });
  }
});
