import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import { BlockedRequestError } from './errors.ts';
import { isPublicAddress } from './public-address.ts';

const CONNECT_MS = 15_000;

export interface NetworkPolicyOptions {
  /** The page's own address: its host and port are always allowed. @default none */
  readonly page?: string | undefined;
  /** `example.com`, `*.example.com`, each also with a port: the only hosts beside the page's own. @default all public ones */
  readonly allowHosts?: readonly string[] | undefined;
  /**
   * Whether the job's author renders on a machine of his own: then the page's own host where it is an IP
   * address or `localhost`, and hosts that `allowHosts` names with their port, may be private. @default false
   */
  readonly ownMachine?: boolean | undefined;
}

/** A host name or IP address, and a port. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** The endpoint of an http(s) or ws(s) address, its host as browsers write it. */
export function endpointOf(address: string): Endpoint {
  const { hostname, port, protocol } = new URL(address);
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  return { host, port: port === '' ? (/^(?:https|wss):$/.test(protocol) ? 443 : 80) : Number(port) };
}

/** `host:port`, as an address has it. */
export function nameOf({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function fits(pattern: string, { host, port }: Endpoint): boolean {
  const [, name = '', only] = /^(.*?)(?::(\d+))?$/.exec(pattern.toLowerCase()) ?? [];
  if (only !== undefined && Number(only) !== port) return false;
  return name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name.replace(/^\[|\]$/g, '');
}

function openSocket(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error(`no answer from ${host}:${port}`), { code: 'ETIMEDOUT' }));
    }, CONNECT_MS);
    socket.once('error', reject);
    socket.once('close', () => clearTimeout(timer));
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/**
 * Which hosts a composition may reach. Names are resolved here, every address of a name is checked, and the
 * connection goes to a checked address: what the name means a moment later does not matter.
 */
export class NetworkPolicy {
  readonly #own: Endpoint | undefined;
  readonly #allowHosts: readonly string[] | undefined;
  readonly #ownMachine: boolean;

  constructor({ page, allowHosts, ownMachine = false }: NetworkPolicyOptions) {
    this.#own = page === undefined ? undefined : endpointOf(page);
    this.#allowHosts = allowHosts;
    this.#ownMachine = ownMachine;
  }

  /**
   * A connection to an allowed host.
   * @throws BlockedRequestError, and the system's own errors when the host can't be reached
   */
  async connect(endpoint: Endpoint): Promise<Socket> {
    this.check(endpoint);
    let failure: unknown;
    for (const address of await this.#addresses(endpoint)) {
      try {
        return await openSocket(address, endpoint.port);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** Checks all that can be told without asking for the host's addresses. @throws BlockedRequestError */
  check(endpoint: Endpoint): void {
    const allowed = this.#allowHosts?.some((pattern) => fits(pattern, endpoint)) ?? true;
    if (!allowed && !this.#isOwn(endpoint)) {
      throw blocked(endpoint, 'is not among the hosts that the job allows (allowHosts)', {});
    }
  }

  async #addresses(endpoint: Endpoint): Promise<string[]> {
    const { host } = endpoint;
    const found = await resolve(host);
    const hidden = found.find((address) => !isPublicAddress(address));
    if (hidden === undefined || this.#mayBePrivate(endpoint)) return found;
    const what = hidden === host ? 'is no public address' : `is ${hidden}, no public address`;
    throw blocked(endpoint, what, { address: hidden });
  }

  #mayBePrivate(endpoint: Endpoint): boolean {
    if (!this.#ownMachine) return false;
    const { host, port } = endpoint;
    // Another name may mean anything from one moment to the next.
    if (this.#isOwn(endpoint)) return isIP(host) !== 0 || isLocalhost(host);
    return (
      this.#allowHosts?.some(
        (name) => name.endsWith(`:${port}`) && !name.startsWith('*') && fits(name, endpoint),
      ) ?? false
    );
  }

  #isOwn({ host, port }: Endpoint): boolean {
    return host === this.#own?.host && port === this.#own.port;
  }
}

/** https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
function isLocalhost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

/** The addresses of a host, of which there is at least one. */
async function resolve(host: string): Promise<string[]> {
  if (isIP(host)) return [host];
  if (isLocalhost(host)) return ['127.0.0.1', '::1'];
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function blocked(endpoint: Endpoint, what: string, details: { address?: string }): BlockedRequestError {
  return new BlockedRequestError(`${nameOf(endpoint)} ${what}`, { details: { ...endpoint, ...details } });
}
