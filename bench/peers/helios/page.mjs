import * as look from './look.mjs';
import { showLook } from './stage.mjs';

// The renderer reads canvases when their frame is over.
const { getContext } = HTMLCanvasElement.prototype;
HTMLCanvasElement.prototype.getContext = function open(kind, options) {
  return getContext.call(this, kind, { ...options, preserveDrawingBuffer: true });
};
const seek = showLook(document.getElementById('stage'), look);
seek(0);
// The renderer's virtual clock begins at 0; what is read before it does is the time since the page was opened.
requestAnimationFrame(function draw() {
  seek(performance.now());
  requestAnimationFrame(draw);
});
