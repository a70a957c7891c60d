import { CloudServiceError, CredentialsError } from '../utils/errors.ts';
import { isTransientAuthError } from '../utils/google-auth-errors.ts';

/** Gives an ID token that is good for now. @throws CredentialsError, CloudServiceError when there is none for now */
export type IdTokenSource = () => Promise<string>;

/** ID tokens of the application default credentials for an audience; each is kept until shortly before its end. */
export function googleIdTokens(audience: string): IdTokenSource {
  let opening: Promise<{ getRequestHeaders(): Promise<Headers> }> | undefined;
  const open = async (): Promise<{ getRequestHeaders(): Promise<Headers> }> => {
    const { GoogleAuth } = await import('google-auth-library');
    return new GoogleAuth().getIdTokenClient(audience);
  };
  return async () => {
    try {
      opening ??= open();
      const headers = await (await opening).getRequestHeaders();
      return (headers.get('authorization') ?? '').replace(/^Bearer /i, '');
    } catch (cause) {
      opening = undefined;
      if (isTransientAuthError(cause)) {
        throw new CloudServiceError(
          `There is no ID token for ${audience} for now: ${(cause as Error).message}`,
          { cause, details: { audience } },
        );
      }
      throw new CredentialsError(
        `There is no ID token for ${audience}. Run on Google Cloud, set GOOGLE_APPLICATION_CREDENTIALS, or log in with: gcloud auth application-default login --impersonate-service-account ACCOUNT`,
        { cause, details: { audience } },
      );
    }
  };
}
