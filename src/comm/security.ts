/** Proof of belonging to a job: keyed hashes over fresh random numbers, so that the secret itself never travels. */

const encoder = new TextEncoder();

/** The key that every rank of one job derives from the job's secret. */
export class JobKey {
  readonly #key: Promise<CryptoKey>;

  /** @param secret ranks with another one are strangers */
  constructor(secret: string) {
    const bytes = encoder.encode(`deepinv-job:${secret}`);
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
