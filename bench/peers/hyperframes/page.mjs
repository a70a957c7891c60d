import * as look from './look.mjs';
import { showLook } from './stage.mjs';

const seek = showLook(document.getElementById('stage'), look);
seek(0);
addEventListener('hf-seek', ({ detail }) => seek(detail.time * 1000));
