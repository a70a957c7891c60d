import { HeliosError } from '../utils/errors.ts';

/** Something that this version can't do yet. */
export class NotSupportedError extends HeliosError {}
