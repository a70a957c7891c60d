import http from 'node:http';
import type { AddressInfo } from 'node:net';

const SLOW_DOWN =
  '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>';

/** Stands between a function and the S3 of a custom endpoint, and answers 503 while it is told to. */
export class BusyS3 {
  #until = 0;
  #refused = 0;

  /** Starts it and leads the clients that are made from now on over it. */
  static async listen(endpoint: string): Promise<BusyS3> {
    const busy = new BusyS3();
    const server = http.createServer((request, response) => busy.#answer(endpoint, request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    process.env.AWS_ENDPOINT_URL_S3 = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return busy;
  }

  refuseFor(ms: number): void {
    this.#until = Date.now() + ms;
  }

  get refused(): number {
    return this.#refused;
  }

  #answer(endpoint: string, request: http.IncomingMessage, response: http.ServerResponse): void {
    if (Date.now() < this.#until) {
      this.#refused++;
      request.resume();
      response.writeHead(503, { 'content-type': 'application/xml' }).end(SLOW_DOWN);
      return;
    }
    const { method = 'GET', headers, url = '/' } = request;
    const onward = http.request(new URL(url, endpoint), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  }
}
