import * as look from './look.mjs';
import { showLook } from './stage.mjs';

const seek = showLook(document.getElementById('stage'), look);
seek(0);
// The renderer's virtual clock begins at 0; what is read before it does is the time since the page was opened.
requestAnimationFrame(function draw() {
  seek(performance.now());
  requestAnimationFrame(draw);
});
