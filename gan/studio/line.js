// Says how many requests are before ours when an answer is long in coming, whichever tab waits for it: all of them ask
// by fetch. Given: common.js, and by gr.HTML element, props, server.

const PATIENCE = 800; // ms before a request counts as waiting, and between two looks at the line
const waiting = new Set();
const plain = window.fetch.bind(window);

window.fetch = (...request) => {
  const answer = plain(...request);
  if (/\/component_server|\/run\//.test(String(request[0].url ?? request[0]))) {
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
  waiting.add(answer);
  if (waiting.size > 1) return;
  let end = null; // of the line when we were found waiting: ours is before it
  while (waiting.size) {
    const { joined, begun } = await server.line().catch(() => ({ joined: 0, begun: 0 }));
    end ??= joined;
    const before = Math.max(0, end - begun - 1);
    write(before ? say("in_line", { before }) : "");
    await new Promise((resolve) => setTimeout(resolve, PATIENCE));
  }
  write("");
}

function write(text) {
  element.querySelector(".line").textContent = text; // looked up anew: Gradio may have drawn it anew
}
