import initWabt from 'wabt';
import { picturesModule } from './pictures.ts';

/** The bytes of the WebAssembly module. */
export async function compilePictures(): Promise<Uint8Array> {
  const wabt = await initWabt();
  const parsed = wabt.parseWat('pictures.wat', picturesModule, { simd: true });
  parsed.validate();
  return parsed.toBinary({}).buffer;
}
