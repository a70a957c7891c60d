import { expect, test } from 'vitest';
import { RequestFailures } from '../../src/worker/request-failures.ts';

const blocked = new Error('is no public address');
const refused = new Error('ECONNREFUSED');
const NO_TUNNEL = 'net::ERR_TUNNEL_CONNECTION_FAILED';

test('a reason belongs to an address, not to its host', () => {
  const failures = new RequestFailures();
  failures.add('http://a.test/one?x=1', blocked);
  expect(failures.take('http://a.test/one?x=1#part', 'HTTP 403')).toBe(blocked);
  expect(failures.take('http://a.test:80/one?x=1', 'HTTP 403')).toBe(blocked);
  expect(failures.take('http://a.test/two', 'HTTP 404')).toBeUndefined();
  expect(failures.take('no address', 'HTTP 404')).toBeUndefined();
});

test('a tunnel’s reason is that of requests that got no tunnel', () => {
  const failures = new RequestFailures();
  failures.add('a.test:443', blocked);
  expect(failures.take('https://a.test/one', 'HTTP 404')).toBeUndefined();
  expect(failures.take('https://a.test/one', NO_TUNNEL)).toBe(blocked);
  expect(failures.take('https://a.test:8443/one', NO_TUNNEL)).toBeUndefined();
});

test('several reasons of one address are told in their order, and the last one stays', () => {
  const failures = new RequestFailures();
  failures.add('a.test:443', blocked);
  failures.add('a.test:443', refused);
  const told = [1, 2, 3].map(() => failures.take('https://a.test/', NO_TUNNEL));
  expect(told).toEqual([blocked, refused, refused]);
});

test('a page that fails without an end fills no memory', () => {
  const failures = new RequestFailures();
  for (let at = 0; at < 2_000; at++) failures.add(`http://a.test/${at}`, refused);
  expect(failures.take('http://a.test/0', 'HTTP 502')).toBeUndefined();
  expect(failures.take('http://a.test/1999', 'HTTP 502')).toBe(refused);
});
