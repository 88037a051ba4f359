/** Proof of belonging to a job: keyed hashes over fresh random numbers, so that the job token itself never travels. */

const encoder = new TextEncoder();

/** The key that every rank of one job derives from the job token. */
export class JobKey {
  readonly #key: Promise<CryptoKey>;

  /** @param token the job token; ranks with another token are strangers */
  constructor(token: string) {
    const bytes = encoder.encode(`deepinv-job:${token}`);
    this.#key = crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, [
      "sign",
      "verify",
    ]);
  }

  /** Keyed hash of a list of texts, hexadecimal. */
  async sign(parts: readonly string[]): Promise<string> {
    const mac = await crypto.subtle.sign("HMAC", await this.#key, encoder.encode(JSON.stringify(parts)));
    return new Uint8Array(mac).toHex();
  }

  /** Whether `mac` is {@link sign} of the same texts; takes the same time wherever they differ. */
  async verify(parts: readonly string[], mac: string): Promise<boolean> {
    if (!/^[0-9a-f]{64}$/.test(mac)) return false;
    const bytes = Uint8Array.fromHex(mac);
    return await crypto.subtle.verify("HMAC", await this.#key, bytes, encoder.encode(JSON.stringify(parts)));
  }
}

/** 16 random bytes, hexadecimal. */
export function nonce(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}
