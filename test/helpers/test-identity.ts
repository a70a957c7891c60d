import { createSign, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const KEY_ID = 'key-1';
const KEYS = generateKeyPairSync('rsa', { modulusLength: 2048 });

export const CALLER = 'caller@project.iam.gserviceaccount.com';

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** An ID token as Google's are; `claims` change what it says. */
export function idToken(audience: string, claims: object = {}, key = KEYS.privateKey): string {
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    iss: 'https://accounts.google.com',
    aud: audience,
    sub: '1',
    email: CALLER,
    email_verified: true,
  };
  const told = `${part({ alg: 'RS256', kid: KEY_ID, typ: 'JWT' })}.${part({ ...payload, iat: now, exp: now + 3600, ...claims })}`;
  return `${told}.${createSign('RSA-SHA256').update(told).sign(key).toString('base64url')}`;
}

/** The metadata server of Google Cloud and the keys of its tokens, over HTTP on loopback. */
export class TestIdentity implements AsyncDisposable {
  readonly #server: Server;
  /** Status of a request's answer; asked for each by its path. */
  faults: (path: string) => number | undefined = () => undefined;
  /** What IAM was asked to sign. */
  readonly signed: string[] = [];
  /** Audiences that tokens were asked for. */
  readonly audiences: string[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<TestIdentity> {
    const self: TestIdentity = new TestIdentity(
      createServer((request, response) => {
        const url = new URL(request.url ?? '/', self.url);
        response.setHeader('metadata-flavor', 'Google');
        const status = self.faults(url.pathname);
        if (status !== undefined) return void response.writeHead(status).end('{}');
        if (url.pathname.endsWith(':signBlob')) {
          self.signed.push(url.pathname);
          response.setHeader('content-type', 'application/json');
          return void response.end(JSON.stringify({ signedBlob: Buffer.from('signed').toString('base64') }));
        }
        if (url.pathname.endsWith('/email')) return void response.end(CALLER);
        if (url.pathname === '/keys') {
          const pem = KEYS.publicKey.export({ type: 'spki', format: 'pem' });
          response.setHeader('content-type', 'application/json');
          return void response.end(JSON.stringify({ [KEY_ID]: pem }));
        }
        if (url.pathname.endsWith('/identity')) {
          const audience = url.searchParams.get('audience') ?? '';
          self.audiences.push(audience);
          return void response.end(idToken(audience));
        }
        if (url.pathname.endsWith('/token')) {
          response.setHeader('content-type', 'application/json');
          return void response.end(
            JSON.stringify({ access_token: 'access', expires_in: 3600, token_type: 'Bearer' }),
          );
        }
        response.end(url.pathname.endsWith('/project-id') ? 'project' : 'text');
      }),
    );
    self.#server.listen(0, '127.0.0.1');
    await once(self.#server, 'listening');
    return self;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get certificatesUrl(): string {
    return `${this.url}/keys`;
  }

  /** Has Google's libraries take this for the machine's metadata server. */
  get env(): Record<string, string> {
    return {
      GCE_METADATA_HOST: this.url.replace('http://', ''),
      METADATA_SERVER_DETECTION: 'assume-present',
      GOOGLE_CLOUD_PROJECT: 'project',
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
