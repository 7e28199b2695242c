// Shows how many requests are ahead of ours when an answer takes long, whichever tab waits for it; then for how long it
// has been worked on. All tabs call the server through Gradio's client, which uses fetch; so fetch is watched. After
// common.js.

const PATIENCE = 800; // ms before a request counts as waiting, and between two looks at the queue
const OWN = '"fn_name":"queue_status"'; // in the body of our own requests, which are not queued
const waiting = new Map(); // promises of answers, each with the queue's length so far when it was first seen to wait
const fetchUnwatched = window.fetch.bind(window);
let watching = false;

window.fetch = (...request) => {
  const answer = fetchUnwatched(...request);
  const [address, options] = request;
  if (String(address.url ?? address).includes("/component_server") && !String(options?.body).includes(OWN)) {
    const late = setTimeout(() => watch(answer), PATIENCE);
    const settled = () => {
      clearTimeout(late);
      waiting.delete(answer);
    };
    answer.then(settled, settled);
  }
  return answer;
};

async function watch(answer) {
  waiting.set(answer, null);
  if (watching) return;
  watching = true;
  let begun = performance.now() - PATIENCE; // when nobody was ahead of us any more, as far as we know
  while (waiting.size) {
    const { joined = 0, started = 0, error } = await server.queue_status();
    if (!error) for (const [late, position] of waiting) waiting.set(late, position ?? joined);
    const ahead = Math.min(...waiting.values()) - started - 1; // of our first request; infinite where none waits any more
    if (ahead > 0) begun = performance.now();
    const seconds = Math.round((performance.now() - begun) / 1000);
    if (!waiting.size) show("");
    else if (ahead > 0) show(t("in_queue", { before: ahead }));
    else show(seconds > 1 ? t("at_work", { seconds }) : "");
    await new Promise((resolve) => setTimeout(resolve, PATIENCE));
  }
  watching = false;
  show("");
}

function show(text) {
  element.querySelector(".queue").textContent = text; // looked up each time: Gradio may have drawn the element anew
}
