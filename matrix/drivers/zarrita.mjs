// zarrita.js. The folder of its packages is the first argument.
import * as fs from "node:fs";
import * as readline from "node:readline";
import * as path from "node:path";
import { pathToFileURL } from "node:url";

const packages = process.argv[2];

/** What a package of that folder says of itself. */
const described = (name) => JSON.parse(fs.readFileSync(path.join(packages, "node_modules", name, "package.json"), "utf8"));

/** A module of such a package. Node looks for packages beside the script alone. */
const load = (name, part) =>
	import(pathToFileURL(path.join(packages, "node_modules", name, described(name).exports[part].import)).href);

const zarr = await load("zarrita", ".");
const { default: FileSystemStore } = await load("@zarrita/storage", "./fs");
const version = described("zarrita").version;
const KINDS = {
	bool: Uint8Array,
	int8: Int8Array,
	int16: Int16Array,
	int32: Int32Array,
	int64: BigInt64Array,
	uint8: Uint8Array,
	uint16: Uint16Array,
	uint32: Uint32Array,
	uint64: BigUint64Array,
	float16: globalThis.Float16Array,
	float32: Float32Array,
	float64: Float64Array,
};
const DOCUMENTS = { v3: "zarr.json", v2: ".zarray" };

/** Whether `create` can say all that the document says. */
function creatable(task) {
	const document = task.document;
	return (
		task.format === "v3" &&
		typeof document.data_type === "string" &&
		document.chunk_key_encoding.name === "default" &&
		document.chunk_grid.name === "regular"
	);
}

/** The array that the case asks for: by `create` where that can say it, else with the document as it is. */
async function made(task) {
	const store = new FileSystemStore(task.place);
	const document = task.document;
	if (!creatable(task)) {
		if (!(task.format in DOCUMENTS)) throw new Error(`no format ${task.format} here`);
		fs.writeFileSync(path.join(task.place, DOCUMENTS[task.format]), JSON.stringify(document));
		return await opened(task);
	}
	return await zarr.create(store, {
		shape: document.shape,
		chunkShape: document.chunk_grid.configuration.chunk_shape,
		dtype: document.data_type,
		codecs: document.codecs,
		fillValue: document.fill_value,
		chunkSeparator: document.chunk_key_encoding.configuration?.separator ?? "/",
		dimensionNames: document.dimension_names ?? undefined,
		attributes: document.attributes,
	});
}

async function opened(task) {
	const store = new FileSystemStore(task.place);
	if (!(task.format in DOCUMENTS)) throw new Error(`no format ${task.format} here`);
	return await (task.format === "v2" ? zarr.open.v2 : zarr.open.v3)(store, { kind: "array" });
}

const count = (shape) => shape.reduce((product, length) => product * length, 1);

/** Steps of C order. */
function steps(shape) {
	const found = new Array(shape.length);
	let step = 1;
	for (let axis = shape.length - 1; axis >= 0; axis--) {
		found[axis] = step;
		step *= shape[axis];
	}
	return found;
}

/** Texts of varying length: each behind its length. */
function texts(raw) {
	const found = [];
	for (let at = 0; at < raw.length; ) {
		const length = raw.readUInt32LE(at);
		found.push(raw.toString("utf8", at + 4, at + 4 + length));
		at += 4 + length;
	}
	return found;
}

/** The cells of a file, as a chunk of the array's own type. */
function chunk(array, task) {
	const raw = fs.readFileSync(task.cells);
	const shape = task.shape;
	if (task.dtype === "text") return { data: texts(raw), shape, stride: steps(shape) };
	const bytes = new Uint8Array(raw).buffer;
	const dtype = array.dtype;
	let data;
	if (dtype === "bool") data = new zarr.BoolArray(bytes);
	else if (dtype.startsWith("v2:S")) data = new zarr.ByteStringArray(Number(dtype.slice(4)), bytes);
	else if (dtype.startsWith("v2:U")) data = new zarr.UnicodeStringArray(Number(dtype.slice(4)), bytes);
	else {
		if (!KINDS[dtype]) throw new Error(`no typed array for ${dtype} here`);
		data = new KINDS[dtype](bytes);
	}
	return { data, shape, stride: steps(shape) };
}

/** One cell after the other in C order, whatever the strides. */
function* places(shape, stride) {
	const total = count(shape);
	const order = steps(shape);
	for (let number = 0; number < total; number++) {
		let at = 0;
		for (let axis = 0; axis < shape.length; axis++) {
			at += (Math.floor(number / order[axis]) % shape[axis]) * stride[axis];
		}
		yield at;
	}
}

/** Cells as bytes. */
function raw({ data, shape, stride }) {
	if (Array.isArray(data)) {
		const parts = [];
		for (const at of places(shape, stride)) {
			const text = Buffer.from(String(data[at]), "utf8");
			const length = Buffer.alloc(4);
			length.writeUInt32LE(text.length);
			parts.push(length, text);
		}
		return Buffer.concat(parts);
	}
	const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
	const width = data.BYTES_PER_ELEMENT ?? bytes.length / data.length;
	const into = Buffer.alloc(count(shape) * width);
	let end = 0;
	for (const at of places(shape, stride)) {
		into.set(bytes.subarray(at * width, (at + 1) * width), end);
		end += width;
	}
	return into;
}

async function answer(task) {
	if (task.verb === "hello") return { done: true, name: "zarrita.js", version };
	if (task.verb === "write") {
		const array = await made(task);
		const cells = chunk(array, task);
		await zarr.set(array, null, task.shape.length ? cells : "get" in cells.data ? cells.data.get(0) : cells.data[0]);
		return { done: true };
	}
	const array = await opened(task);
	const cells = await zarr.get(array);
	fs.writeFileSync(task.into, raw(cells !== null && typeof cells === "object" && "data" in cells ? cells : single(cells, array)));
	return { done: true };
}

/** An array without axes gives its cell alone. */
function single(cell, array) {
	if (typeof cell === "string" && array.dtype === "string") return { data: [cell], shape: [], stride: [] };
	if (!KINDS[array.dtype]) throw new Error(`no typed array for ${array.dtype} here`);
	return { data: new KINDS[array.dtype]([cell]), shape: [], stride: [] };
}

// Chunks are asked for together; of those that fail, the library waits for the first alone.
process.on("unhandledRejection", () => {});

for await (const line of readline.createInterface({ input: process.stdin })) {
	let said;
	try {
		said = await answer(JSON.parse(line));
	} catch (error) {
		const cause = error.cause ? `: ${error.cause.message ?? error.cause}` : "";
		said = { refused: `${error.name}: ${error.message}${cause}`.slice(0, 600) };
	}
	process.stdout.write(`${JSON.stringify(said)}\n`);
}
