import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** https://www.iana.org/assignments/iana-ipv4-special-registry: what is not reachable from everywhere. */
const SPECIAL_IPV4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24'],
  ...['203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
];
/** Of `2000::/3`, outside of which no address is public: tunnels, which lead to other addresses, and examples. */
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

function blockList(subnets: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [network = '', prefix] = subnet.split('/');
    list.addSubnet(network, Number(prefix), family);
  }
  return list;
}

const specialIPv4 = blockList(SPECIAL_IPV4, 'ipv4');
const specialIPv6 = blockList(SPECIAL_IPV6, 'ipv6');
const globalIPv6 = blockList(['2000::/3'], 'ipv6');
/** https://www.rfc-editor.org/rfc/rfc6052: IPv4 addresses behind a NAT64 end in the IPv4 address. */
const nat64 = blockList(['64:ff9b::/96'], 'ipv6');
const mapped = blockList(['::ffff:0:0/96'], 'ipv6');

/** The last 32 bits of an IPv6 address. */
function endingIPv4(address: string): string {
  const dotted = /[\d.]+$/.exec(address)?.[0] ?? '';
  if (isIPv4(dotted)) return dotted;
  const groups = new URL(`http://[${address}]/`).hostname.slice(1, -1).split(':');
  const [high = 0, low = 0] = groups.slice(-2).map((group) => Number.parseInt(group || '0', 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function isOfThisMachine(address: string): boolean {
  return Object.values(networkInterfaces()).some((own) => own?.some((known) => known.address === address));
}

/** Whether an IP address is one of the public internet, and not one of this machine. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !specialIPv4.check(address, 'ipv4') && !isOfThisMachine(address);
  if (!isIPv6(address) || address.includes('%')) return false;
  if (mapped.check(address, 'ipv6') || nat64.check(address, 'ipv6'))
    return isPublicAddress(endingIPv4(address));
  return (
    globalIPv6.check(address, 'ipv6') && !specialIPv6.check(address, 'ipv6') && !isOfThisMachine(address)
  );
}
