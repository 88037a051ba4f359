/**
 * Structured-clonable values as bytes, through V8's serializer: maps, sets, dates, typed arrays and their shared
 * buffers, big integers, errors and cycles survive; decoding never evaluates code. Malformed bytes are an error, but
 * a few well-chosen ones can ask for much memory: only ranks that have proved to belong to the job get that far.
 */

import { Deserializer, Serializer } from "node:v8";
import { InvalidArgumentError } from "../util/errors.ts";

/**
 * Encodes a value.
 *
 * @throws InvalidArgumentError if the value holds functions, symbols or other things that cannot be cloned
 */
export function encodeObject(value: unknown): Uint8Array {
  try {
    // structuredClone refuses host objects (URL, ports, ...) that the serializer would turn into {}.
    const serializer = new Serializer();
    serializer.writeHeader();
    serializer.writeValue(structuredClone(value));
    return serializer.releaseBuffer();
  } catch (error) {
    throw new InvalidArgumentError("send an object", "the value", "structured-clonable", String(error));
  }
}

/** The values that messages hold; where there is none, the rank's own. */
export function objectsOf<T>(messages: readonly ({ bytes: Uint8Array } | undefined)[], own: T): T[] {
  return messages.map((message) => message === undefined ? own : decodeObject(message.bytes) as T);
}

/**
 * Decodes a value that {@link encodeObject} wrote.
 *
 * @throws InvalidArgumentError if the bytes are no such encoding
 */
export function decodeObject(bytes: Uint8Array): unknown {
  try {
    const deserializer = new Deserializer(bytes);
    deserializer.readHeader();
    return deserializer.readValue();
  } catch (error) {
    throw new InvalidArgumentError("receive an object", "the bytes", "a serialized value", String(error));
  }
}
