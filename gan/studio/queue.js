// Says how many requests are before ours when an answer is long in coming, whichever tab waits for it: all of them ask
// by fetch. Given: common.js, and by gr.HTML element, props, server.

const PATIENCE = 800; // ms before a request counts as waiting, and between two looks at the queue
const LOOK = '"fn_name":"queue_status"'; // in the body of what we ask ourselves, which waits for nobody
const waiting = new Map(); // answers to where the queue ended when we found them waiting: they are before that
const plain = window.fetch.bind(window);
let watched = false;

window.fetch = (...request) => {
  const answer = plain(...request);
  const [address, options] = request;
  if (/\/component_server|\/run\//.test(String(address.url ?? address)) && !String(options?.body).includes(LOOK)) {
    const late = setTimeout(() => wait(answer), PATIENCE);
    const settled = () => {
      clearTimeout(late);
      waiting.delete(answer);
    };
    answer.then(settled, settled);
  }
  return answer;
};

async function wait(answer) {
  waiting.set(answer, null);
  if (watched) return;
  watched = true;
  while (waiting.size) {
    const { joined = 0, started = 0, error } = await server.queue_status();
    if (!error) for (const [late, end] of waiting) waiting.set(late, end ?? joined);
    const before = Math.min(...waiting.values()) - started - 1; // of the first of ours; infinite where none waits any more
    write(waiting.size && before > 0 ? say("in_queue", { before }) : "");
    await new Promise((resolve) => setTimeout(resolve, PATIENCE));
  }
  watched = false;
  write("");
}

function write(text) {
  element.querySelector(".queue").textContent = text; // looked up anew: Gradio may have drawn it anew
}
