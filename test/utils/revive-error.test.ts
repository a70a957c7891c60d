import { expect, test } from 'vitest';
import {
  BrowserCrashedError,
  OutOfTimeError,
  PageScriptError,
  StorageError,
  ValidationError,
  VersionMismatchError,
} from '../../src/utils/errors.ts';
import { reviveError } from '../../src/utils/revive-error.ts';

const classes = [
  BrowserCrashedError,
  OutOfTimeError,
  PageScriptError,
  StorageError,
  ValidationError,
  VersionMismatchError,
];

test.each(classes)('%o comes back as its class', (type) => {
  const revived = reviveError(type.name, 'what happened', { details: { frame: 3 } });
  expect(revived).toBeInstanceOf(type);
  expect(revived).toMatchObject({ name: type.name, message: 'what happened', details: { frame: 3 } });
  expect(revived.retryable).toBe(new type('').retryable);
});

test.each(['Sandbox.Timedout', 'Runtime.ExitError', 'Runtime.OutOfMemory', 'Lambda.Unknown'])(
  '%s is a crash that may be tried again',
  (name) => {
    const revived = reviveError(name, 'cut off');
    expect(revived).toMatchObject({ name: 'FunctionCrashedError', retryable: true });
    expect(revived.details).toEqual({ errorType: name });
  },
);

test('an unknown one is told with its name, and not tried again', () => {
  expect(reviveError('TypeError', 'x is undefined')).toMatchObject({
    name: 'RemoteError',
    message: 'TypeError: x is undefined',
    retryable: false,
  });
  expect(reviveError('constructor', 'no class').name).toBe('RemoteError');
});
