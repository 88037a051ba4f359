/**
 * CURVE keys that every rank of a job derives from the job key, so that none has to travel:
 * secret(role) = HKDF-SHA256(job key, info = "deepinv curve " + role), for the roles server and client.
 */

import type { Libzmq } from "./libzmq.ts";
import { socketError } from "./transport/socket_options.ts";

const KEY_BYTES = 32;
/** A key in Z85 with its final zero, as libzmq takes it. */
const Z85_BYTES = 41;

/** A key pair as Z85 C strings. */
export interface CurveKeyPair {
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly secretKey: Uint8Array<ArrayBuffer>;
}

/** The keys of a job: of those that listen, and of those that connect. */
export interface CurveKeys {
  readonly server: CurveKeyPair;
  readonly client: CurveKeyPair;
  /** The client's public key as ZAP tells it. */
  readonly admitted: Uint8Array<ArrayBuffer>;
}

/**
 * The keys that belong to a job key.
 *
 * @param jobKey secret bytes
 * @throws SocketError if this libzmq was built without CURVE
 */
export async function deriveCurveKeys(zmq: Libzmq, jobKey: Uint8Array<ArrayBuffer>): Promise<CurveKeys> {
  const source = await crypto.subtle.importKey("raw", jobKey, "HKDF", false, ["deriveBits"]);
  const client = await keyPair(zmq, source, "client");
  const admitted = new Uint8Array(KEY_BYTES);
  zmq.zmq_z85_decode(admitted, client.publicKey);
  return { server: await keyPair(zmq, source, "server"), client, admitted };
}

async function keyPair(zmq: Libzmq, source: CryptoKey, role: string): Promise<CurveKeyPair> {
  const info = new TextEncoder().encode(`deepinv curve ${role}`);
  const algorithm = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info };
  const secret = new Uint8Array(await crypto.subtle.deriveBits(algorithm, source, 8 * KEY_BYTES));
  const secretKey = new Uint8Array(Z85_BYTES);
  zmq.zmq_z85_encode(secretKey, secret, BigInt(KEY_BYTES));
  const publicKey = new Uint8Array(Z85_BYTES);
  if (zmq.zmq_curve_public(publicKey, secretKey) !== 0) throw socketError(zmq, "encrypt connections");
  return { publicKey, secretKey };
}
