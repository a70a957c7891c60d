/**
 * The folder of a kit that came as Lambda layers, from `HELIOS_KIT` (`/opt/helios` on Lambda): `chromium`, `ffmpeg`
 * and `fonts` in it stand for the npm packages. It is read only.
 */
export function layerKit(): string | undefined {
  return process.env.HELIOS_KIT || undefined;
}
