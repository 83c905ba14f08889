/** From a JSON schema to the fields of a form, and from what is typed into them to a request. */

import { isNumber, isNumeric, number, parse, stringify } from "./exact-json.js";
import { count } from "./words.js";

/**
 * The fields of an object's schema (references resolved): `{name, kind, isRequired, isNullable, description, schema, fields?}`.
 *
 * `kind` is text, number, integer, boolean, choice, rows (objects with `fields` of their own), or json for all else.
 */
export function fieldsOf(schema) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, property]) => fieldOf(name, property, required.has(name)));
}

function fieldOf(name, property, isRequired) {
  const { schema, isNullable } = withoutNull(property);
  const kind = kindOf(schema);
  const fields = kind === "rows" ? fieldsOf(schema.items) : undefined;
  return { name, kind, isRequired, isNullable, description: property.description ?? schema.description, schema, fields };
}

/** `anyOf` of something and null, as pydantic writes an optional value, is that something. */
function withoutNull(property) {
  const choices = property.anyOf ?? property.oneOf;
  if (!choices) return { schema: property, isNullable: false };
  const others = choices.filter((choice) => choice.type !== "null");
  const isNullable = others.length < choices.length;
  return { schema: others.length === 1 ? { ...property, ...others[0] } : property, isNullable };
}

function kindOf(schema) {
  if (schema.enum || "const" in schema) return "choice";
  if (schema.type === "string") return "text";
  if (["number", "integer", "boolean"].includes(schema.type)) return schema.type;
  if (schema.type === "array" && schema.items?.properties) return "rows";
  return "json";
}

/** The values a choice has, by their text. */
export const optionsOf = (field) => new Map((field.schema.enum ?? [field.schema.const]).map((value) => [textOf(value), value]));

/** What a form shows of a request: a text for each field, and a list of such for rows. */
export function textsOf(fields, request) {
  return Object.fromEntries(fields.map((field) => [field.name, textsOfField(field, request?.[field.name])]));
}

function textsOfField(field, value) {
  if (field.kind === "rows") return (value ?? []).map((row) => textsOf(field.fields, row));
  if (value == null) return "";
  return field.kind === "json" ? stringify(value, 2) : textOf(value);
}

const textOf = (value) => (typeof value === "string" ? value : stringify(value));

/**
 * The request that the texts of a form say, `{request, errors}`.
 *
 * `errors` says by path, such as `message.0.num_1`, what to change; the request lacks what is wrong.
 */
export function requestOf(fields, texts, path = []) {
  const request = {};
  const errors = new Map();
  for (const field of fields) {
    const place = [...path, field.name];
    const read = readField(field, texts[field.name], place);
    read.errors.forEach((error, at) => errors.set(at, error));
    if (read.value !== undefined) request[field.name] = read.value;
  }
  return { request, errors };
}

function readField(field, text, place) {
  if (field.kind === "rows") return readRows(field, text, place);
  try {
    return { value: readText(field, text), errors: new Map() };
  } catch (error) {
    return { value: undefined, errors: new Map([[place.join("."), error.message]]) };
  }
}

function readRows(field, rows, place) {
  const read = rows.map((row, index) => requestOf(field.fields, row, [...place, index]));
  const errors = new Map(read.flatMap((row) => [...row.errors]));
  const { minItems = 0, maxItems = Infinity } = field.schema;
  if (rows.length < minItems) errors.set(place.join("."), `at least ${count(minItems)}`);
  if (rows.length > maxItems) errors.set(place.join("."), `at most ${count(maxItems)}`);
  return { value: read.map((row) => row.request), errors };
}

function readText(field, text) {
  if (text === "") return readNothing(field);
  return READ[field.kind](field, text);
}

function readNothing({ isRequired, isNullable, kind, schema }) {
  if (!isRequired) return undefined;
  if (isNullable) return null;
  if (kind === "text" && !schema.minLength && schema.format !== "uri") return "";
  throw new Error("is needed");
}

const READ = { text: readString, number: readNumber, integer: readInteger, boolean: (_field, text) => text === "true", choice: readChoice, json: readJson };

function readString({ schema }, text) {
  const { minLength = 0, maxLength = Infinity, format, pattern } = schema;
  if (text.length < minLength) throw new Error(`at least ${count(minLength)} characters`);
  if (text.length > maxLength) throw new Error(`at most ${count(maxLength)} characters`);
  if (format === "uri" && !isWebUrl(text)) throw new Error("an http or https URL, such as http://localhost:9000/callback");
  if (pattern && !new RegExp(pattern, "u").test(text)) throw new Error(`must match ${pattern}`);
  return text;
}

const isWebUrl = (text) => /^https?:\/\//i.test(text) && URL.canParse(text);

function readNumber({ schema }, text) {
  const trimmed = text.trim();
  if (!isNumber(trimmed)) throw new Error("a number, such as 12 or -0.5");
  refuseOutside(schema, Number(trimmed));
  return number(trimmed);
}

function readInteger(field, text) {
  if (!/^-?[0-9]+$/.test(text.trim())) throw new Error("a whole number");
  return readNumber(field, text);
}

function refuseOutside({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }, value) {
  if (value < minimum) throw new Error(`at least ${minimum}`);
  if (value > maximum) throw new Error(`at most ${maximum}`);
  if (value <= exclusiveMinimum) throw new Error(`more than ${exclusiveMinimum}`);
  if (value >= exclusiveMaximum) throw new Error(`less than ${exclusiveMaximum}`);
}

function readChoice(field, text) {
  const options = optionsOf(field);
  if (!options.has(text)) throw new Error(`one of ${[...options.keys()].join(", ")}`);
  return options.get(text);
}

function readJson({ schema }, text) {
  const value = parsed(text);
  const types = (schema.anyOf ?? schema.oneOf ?? [schema]).map((choice) => choice.type).filter(Boolean);
  if (types.length && !types.includes(typeOf(value))) throw new Error(`JSON: ${types.map((type) => NOUNS[type] ?? type).join(" or ")}`);
  return value;
}

const NOUNS = { object: "an object", array: "a list", string: "a text", number: "a number" };

function parsed(text) {
  try {
    return parse(text);
  } catch (error) {
    throw new Error(`no JSON: ${error.message}`);
  }
}

function typeOf(value) {
  if (isNumeric(value)) return "number";
  if (Array.isArray(value)) return "array";
  return value === null ? "null" : typeof value;
}

/** Where a request has what the form has no field for, or another shape; null where the form can show all of it. */
export function beyondForm(fields, request, place = "The request") {
  if (typeOf(request) !== "object") return `${place} is no object.`;
  const byName = new Map(fields.map((field) => [field.name, field]));
  for (const [name, value] of Object.entries(request)) {
    const field = byName.get(name);
    if (!field) return `${place} has ${name}, for which the form has no field.`;
    const wrong = field.kind === "rows" && beyondRows(field, value);
    if (wrong) return wrong;
  }
  return null;
}

function beyondRows(field, rows) {
  if (!Array.isArray(rows)) return `${field.name} is no list.`;
  return rows.map((row, index) => beyondForm(field.fields, row, `${field.name} ${index + 1}`)).find(Boolean);
}

/**
 * What the API says of a request it refused, by the path of the field it belongs to; what belongs to none is `unplaced`.
 *
 * `detail` is FastAPI's: a text, or a list of `{loc: ["body", …], msg}`, or of `{loc: ["header", name], msg}`.
 */
export function placedErrors(fields, detail) {
  const errors = new Map();
  const unplaced = [];
  for (const { loc, msg } of Array.isArray(detail) ? detail : [{ loc: [], msg: String(detail) }]) {
    const path = loc[0] === "header" ? `headers.${loc[1]}` : fieldPath(fields, loc.slice(1));
    if (path) errors.set(path, msg);
    else unplaced.push(loc.length > 1 ? `${loc.slice(1).join(".")}: ${msg}` : msg);
  }
  return { errors, unplaced };
}

/** As far into the place as fields go: an error deep in a JSON value is shown at its field. */
function fieldPath(fields, loc) {
  const [name, index, ...rest] = loc;
  const field = fields.find((each) => each.name === name);
  if (!field) return null;
  if (field.kind !== "rows" || index === undefined) return name;
  const within = fieldPath(field.fields, rest);
  return within ? `${name}.${index}.${within}` : name;
}
