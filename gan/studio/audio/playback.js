// Sound in the browser: files to samples, samples to the loudspeaker, and where each clip is just now. Defines
// `readWav` and `soundPlayer`. After common.js.

// The samples of a WAV file of ours (base64; 16-bit, one channel, 44 bytes of header), ready to be played.
function readWav(base64) {
  const bytes = bytesOf(base64);
  const whole = new Int16Array(bytes.buffer, 44);
  const buffer = new AudioBuffer({ length: whole.length, sampleRate: new DataView(bytes.buffer).getUint32(24, true) });
  const samples = buffer.getChannelData(0);
  for (let k = 0; k < samples.length; k++) samples[k] = whole[k] / 32768;
  return buffer;
}

// Plays buffers, each for an owner: an object with starts(), at(share of the clip) and ends(). What an owner plays anew
// cuts off what it still plays, shortly faded so that nothing clicks. Many owners may be heard at once.
function soundPlayer() {
  const [FADE, LEVEL] = [0.008, 0.7]; // seconds; of one clip
  const voices = new Map(); // by owner
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let context = null;
  let out = null;
  let drawing = 0;

  // Opens the loudspeaker. That takes a while, so it is done before the first pad is touched.
  function prepare() {
    if (context) return;
    context = new AudioContext({ latencyHint: "interactive" });
    // A clip alone passes as it is; where several meet, they are held back instead of clipped.
    out = new DynamicsCompressorNode(context, { threshold: -3, knee: 0, ratio: 20, attack: 0.001, release: 0.1 });
    out.connect(context.destination);
  }

  // Browsers let a page sound only once somebody has touched it.
  function wake() {
    prepare();
    if (context.state !== "running") context.resume();
  }

  // Begins now, or at a time of `now()`; `after` is called once the clip has been heard to its end.
  function play(owner, buffer, when = 0, after = null) {
    wake();
    stop(owner, when);
    const source = new AudioBufferSourceNode(context, { buffer });
    const level = new GainNode(context, { gain: LEVEL });
    source.connect(level).connect(out);
    source.start(when);
    const voice = { source, level, begun: Math.max(when, context.currentTime), length: buffer.duration, started: false };
    voices.set(owner, voice);
    if (!when) begin(owner, voice); // seen as soon as it is touched
    source.onended = () => {
      if (voices.get(owner) !== voice) return;
      voices.delete(owner);
      owner.ends();
      after?.();
    };
    if (!drawing) drawing = requestAnimationFrame(draw);
  }

  function stop(owner, when = 0) {
    const voice = voices.get(owner);
    if (!voice) return;
    const end = Math.max(when, context.currentTime) + FADE;
    voice.level.gain.setTargetAtTime(0, end - FADE, FADE / 4);
    voice.source.stop(end);
    voices.delete(owner);
    owner.ends();
  }

  function begin(owner, voice) {
    if (!voice.started) owner.starts();
    voice.started = true;
  }

  function draw() {
    for (const [owner, voice] of voices) {
      const share = (context.currentTime - voice.begun) / voice.length;
      if (share < 0) continue; // its time is still to come
      begin(owner, voice);
      if (!still.matches) owner.at(Math.min(1, share));
    }
    drawing = voices.size ? requestAnimationFrame(draw) : 0;
  }

  const stopAll = () => [...voices.keys()].forEach((owner) => stop(owner));

  return {
    prepare, wake, play, stop, stopAll,
    only: (owner, buffer, after) => (stopAll(), play(owner, buffer, 0, after)),
    plays: (owner) => voices.has(owner),
    now: () => context?.currentTime ?? 0,
  };
}
