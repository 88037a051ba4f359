/** The assembler of the kernels in this folder. */
export * from "../../../util/wasm_emitter.ts";
