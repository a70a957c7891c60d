import { OAuth2Client } from 'google-auth-library';
import { AccessDeniedError, CloudServiceError, CredentialsError } from '../src/utils/errors.ts';

const ISSUERS = ['accounts.google.com', 'https://accounts.google.com'];

export interface TokenRules {
  /** Of which a token must have one. */
  readonly audience: readonly string[];
  /** E-mail addresses, of which a token must have one, verified. @default any */
  readonly callers?: readonly string[] | undefined;
  /** @default Google's keys */
  readonly certificatesUrl?: string | undefined;
}

/**
 * Checks an `Authorization` header.
 * @throws CredentialsError without a good token, AccessDeniedError for one of another caller, CloudServiceError
 *   when the keys can't be read
 */
export type TokenCheck = (authorization: string | undefined) => Promise<void>;

/**
 * Checks Google's ID tokens in the instance itself, behind the check of Cloud Run's IAM. Cloud Run takes the
 * signature off the token that it has checked: callers send theirs in `X-Serverless-Authorization` for IAM, and in
 * `Authorization` for the instance.
 */
export function tokenCheck({ audience, callers, certificatesUrl }: TokenRules): TokenCheck {
  const client = new OAuth2Client(
    certificatesUrl ? { endpoints: { oauth2FederatedSignonPemCertsUrl: certificatesUrl } } : {},
  );
  return async (authorization) => {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined)
      throw new CredentialsError('The request has no ID token: send it as Authorization: Bearer TOKEN.');
    const { certs } = await client.getFederatedSignonCertsAsync().catch((cause: unknown) => {
      throw new CloudServiceError('The keys of the ID tokens can’t be read for now.', { cause });
    });
    const payload = await client
      .verifySignedJwtWithCertsAsync(token, certs, [...audience], ISSUERS)
      .then((ticket) => ticket.getPayload())
      .catch((cause: unknown) => {
        throw new CredentialsError(
          `The ID token is not good: it must be Google's, not expired, and of the audience ${audience.join(' or ')}.`,
          { cause },
        );
      });
    if (callers && !(payload?.email_verified && callers.includes(payload.email ?? ''))) {
      throw new AccessDeniedError(
        `The service takes no requests of ${payload?.email ?? 'a token without an e-mail address'}.`,
      );
    }
  };
}
