import { describe, expect, test, vi } from 'vitest';
import { endpointOf, NetworkPolicy } from '../../src/utils/network-policy.ts';
import { isPublicAddress } from '../../src/utils/public-address.ts';

vi.mock('node:dns/promises', async (original) => ({
  ...(await original<typeof import('node:dns/promises')>()),
  lookup: async () => [{ address: '127.0.0.1', family: 4 }],
}));

describe('a public address', () => {
  test.each([
    '8.8.8.8',
    '93.184.216.34',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.0.1',
    '100.128.0.1',
    '9.255.255.255',
  ])('is %s', (address) => expect(isPublicAddress(address)).toBe(true));
  test.each([
    '2606:4700:4700::1111',
    '2a00:1450::1',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
    '64:ff9b::808:808',
  ])('is %s', (address) => expect(isPublicAddress(address)).toBe(true));
  test.each([
    ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.255', '127.0.0.1'],
    ...['127.255.255.255', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.168.1.1'],
    ...['198.18.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'],
    ...['::127.0.0.1', 'fc00::1', 'fd00:ec2::254', 'fe80::1', 'fe80::1%eth0', 'ff02::1', '64:ff9b::7f00:1'],
    ...['64:ff9b::169.254.169.254', '64:ff9b:1::1', '2001:db8::1', '2001::1', '2002:7f00:1::', '100::1'],
    ...['localhost', '', '1.2.3', '2130706433', '0x7f.1'],
  ])('is not %s', (address) => expect(isPublicAddress(address)).toBe(false));
});

describe('hosts that a job names', () => {
  const allows = (allowHosts: string[], address: string): boolean => {
    const policy = new NetworkPolicy({ allowHosts, page: 'https://page.test/' });
    try {
      policy.check(endpointOf(address));
      return true;
    } catch {
      return false;
    }
  };
  test.each<[string[], string, boolean]>([
    [['example.com'], 'https://example.com/x', true],
    [['example.com'], 'http://EXAMPLE.com.:8080/', true],
    [['Example.com'], 'wss://example.com/', true],
    [['example.com'], 'https://a.example.com/', false],
    [['example.com'], 'https://notexample.com/', false],
    [['*.example.com'], 'https://a.b.example.com/', true],
    [['*.example.com'], 'https://example.com/', false],
    [['*.example.com'], 'https://badexample.com/', false],
    [['example.com:8080'], 'http://example.com:8080/', true],
    [['example.com:443'], 'https://example.com/', true],
    [['example.com:8080'], 'http://example.com/', false],
    [['[::1]:80'], 'http://[::1]/', true],
    [[], 'https://example.com/', false],
    [[], 'https://page.test/', true],
    [[], 'http://page.test/', false],
  ])('%j: %s is allowed: %s', (hosts, address, allowed) => expect(allows(hosts, address)).toBe(allowed));
});

describe('a private host', () => {
  const dial = (options: ConstructorParameters<typeof NetworkPolicy>[0], address: string) =>
    new NetworkPolicy(options).connect(endpointOf(address)).then(
      (socket) => socket.destroy() && 'connected',
      (error: Error & { code?: string }) => error.code ?? error.name,
    );
  const page = 'http://127.0.0.1:1/';

  test.each<[string, ConstructorParameters<typeof NetworkPolicy>[0], string, string]>([
    ["the page's own, on its author's machine", { page, ownMachine: true }, page, 'ECONNREFUSED'],
    ["the page's own, elsewhere", { page }, page, 'BlockedRequestError'],
    [
      'a page by a name that means this machine now',
      { page: 'http://here.test:1/', ownMachine: true },
      'http://here.test:1/',
      'BlockedRequestError',
    ],
    [
      'a page at localhost',
      { page: 'http://localhost:1/', ownMachine: true },
      'http://localhost:1/',
      'ECONNREFUSED',
    ],
    ['another port', { page, ownMachine: true }, 'http://127.0.0.1:2/', 'BlockedRequestError'],
    [
      'named with its port',
      { allowHosts: ['127.0.0.1:2'], ownMachine: true },
      'http://127.0.0.1:2/',
      'ECONNREFUSED',
    ],
    [
      'named with its port, elsewhere',
      { allowHosts: ['127.0.0.1:2'] },
      'http://127.0.0.1:2/',
      'BlockedRequestError',
    ],
    [
      'named without its port',
      { allowHosts: ['127.0.0.1'], ownMachine: true },
      'http://127.0.0.1:2/',
      'BlockedRequestError',
    ],
    [
      'by a wildcard',
      { allowHosts: ['*.localhost:2'], ownMachine: true },
      'http://a.localhost:2/',
      'BlockedRequestError',
    ],
  ])('%s', async (_, options, address, outcome) => expect(await dial(options, address)).toBe(outcome));
});
