import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { assetFolder } from './asset-folders.ts';
import type { LayerName } from './function-sizes.ts';

/** Chromium, fonts and FFmpeg as layers; each appears under /opt. */
export class FarmLayers extends Construct {
  readonly chromium: lambda.LayerVersion;
  readonly fonts: lambda.LayerVersion;
  readonly ffmpeg: lambda.LayerVersion;

  /** @param folder holds a folder for each layer */
  constructor(scope: Construct, id: string, folder: string) {
    super(scope, id);
    const layer = (name: LayerName, description: string) =>
      new lambda.LayerVersion(this, name, {
        code: lambda.Code.fromAsset(assetFolder(folder, name, `The ${name} layer`)),
        description,
        compatibleRuntimes: [lambda.Runtime.NODEJS_24_X],
        compatibleArchitectures: [lambda.Architecture.X86_64],
      });
    this.chromium = layer('chromium', 'Headless Chromium and its libraries');
    this.fonts = layer('fonts', 'Fonts and their configuration');
    this.ffmpeg = layer('ffmpeg', 'FFmpeg and ffprobe');
  }
}
