import { endpointOf, nameOf } from '../utils/network-policy.ts';

const MAX_ADDRESSES = 1_000;
const MAX_EACH = 10;
/** What Chromium says of a request for which it got no tunnel. */
const NO_TUNNEL = 'net::ERR_TUNNEL_CONNECTION_FAILED';

/** Why requests came to nothing at the gate; of one address each in its turn, the last one for good. */
export class RequestFailures {
  readonly #reasons = new Map<string, Error[]>();

  /** @param address of an http request, or `host:port` of a tunnel, which is all that is known of one */
  add(address: string, reason: Error): void {
    const [oldest] = this.#reasons.keys();
    if (oldest !== undefined && this.#reasons.size >= MAX_ADDRESSES) this.#reasons.delete(oldest);
    this.#reasons.set(address, [...(this.#reasons.get(address) ?? []).slice(1 - MAX_EACH), reason]);
  }

  /** Why a request failed, unless it did so behind the gate. @param told what the browser says of it */
  take(url: string, told: string): Error | undefined {
    if (!URL.canParse(url)) return undefined;
    const { href, hash, protocol } = new URL(url);
    const tunnelled = /^(?:https|wss):$/.test(protocol);
    if (tunnelled && told !== NO_TUNNEL) return undefined;
    const address = tunnelled ? nameOf(endpointOf(url)) : href.slice(0, href.length - hash.length);
    const reasons = this.#reasons.get(address);
    return reasons && reasons.length > 1 ? reasons.shift() : reasons?.[0];
  }
}
