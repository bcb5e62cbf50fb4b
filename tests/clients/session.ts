// What a user does with the generated TypeScript client, told as JSON; run by its test.
import createClient from "openapi-fetch";
import type { components, paths } from "./dateline";

type Schemas = components["schemas"];
type Query = paths["/events"]["get"]["parameters"]["query"];

const [url, key] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });

const talks: Schemas["EventWrite"] = {
  type: "visit",
  title: "Talks about more gas in Belgrade",
  date: { edtf: "2024-03", text: "in March" },
  actors: [{ id: "serbia", role: "host" }, { name: "SOCAR" }],
  sources: [
    { publisher: "Example News", title: "More gas", claims: ["date"] },
    { url: "https://example.org/gas", accessed: "2024-04-02", role: "context" },
  ],
};

/** What an answer holds, which must be a success. */
function the<T>({ data, error }: { data?: T; error?: Schemas["Problem"] }): T {
  if (data === undefined) throw new Error(error?.detail);
  return data;
}

/** A problem's status and kind, and of each error what was wrong and what would be right. */
function told({ error }: { error?: Schemas["Problem"] }) {
  if (error === undefined) throw new Error("it was not refused");
  const faults = error.errors ?? [];
  return [error.status, error.type, faults.map((fault) => [fault.name, fault.suggestion ?? null])];
}

/** The cursor of a page's `next`. */
function following(address: string | null, name: string): string | undefined {
  return (address && new URL(address).searchParams.get(name)) || undefined;
}

/** A filter with a repeated parameter and a date: whole events, as no `fields` are asked for. */
async function filtered(): Promise<Schemas["ListedEvent"][]> {
  const query: Query = { type: ["contract", "visit"], date: "2023-11" };
  const page = the(await client.GET("/events", { params: { query } }));
  return (page as Schemas["EventPage"]).items;
}

/** All events, a page at a time. */
async function every(): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = the(await client.GET("/events", { params: { query: { limit: 10, cursor } } }));
    ids.push(...(page as Schemas["EventPage"]).items.map((event) => event.id));
    cursor = following(page.next, "cursor");
  } while (cursor);
  return ids;
}

/** Titles alone. */
async function sparse(): Promise<(string | undefined)[]> {
  const query: Query = { type: ["contract"], fields: "title" };
  return the(await client.GET("/events", { params: { query } })).items.map((event) => event.title);
}

/** What happened after a cursor, to the end of the feed. */
async function changes(after?: string): Promise<Schemas["Change"][]> {
  const found: Schemas["Change"][] = [];
  for (;;) {
    const page = the(await client.GET("/changes", { params: { query: { after, limit: 2 } } }));
    if (typeof page === "string") throw new Error("a stream was not asked for");
    found.push(...page.items);
    if (page.next === null) return found;
    after = following(page.next, "after");
  }
}

/** An event's life: created, corrected, refused, deleted. */
async function wrote() {
  const seen = (await changes()).at(-1)?.cursor;
  const header = { "Idempotency-Key": "talks" };
  const made = the(await client.POST("/events", { params: { header }, body: talks }));
  const path = { id: made.id };
  const tag = async () =>
    (await client.GET("/events/{id}", { params: { path } })).response.headers.get("ETag") ?? "";
  const correct = (body: Schemas["EventPatch"], ifMatch: string) =>
    client.PATCH("/events/{id}", {
      params: { path, header: { "If-Match": ifMatch }, query: { note: "The day is known" } },
      body,
    });

  const read = await tag();
  const patch: Schemas["EventPatch"] = {
    date: { edtf: "2024-03-12" },
    status: "completed",
    summary: null,
  };
  const now = the(await correct(patch, read));
  const stale = told(await correct(patch, read));
  const fresh = await tag();
  const refused = told(await correct({ date: "2024-02-30" }, fresh));
  const revisions = the(await client.GET("/events/{id}/revisions", { params: { path } }));
  const first = the(
    await client.GET("/events/{id}/revisions/{version}", {
      params: { path: { ...path, version: 1 } },
    }),
  );
  const deleted = await client.DELETE("/events/{id}", {
    params: { path, header: { "If-Match": fresh } },
  });
  return {
    created: [made.id, made.date.text, made.sources.map((source) => source.publisher)],
    corrected: [now.version, now.date.label, now.status],
    stale,
    refused,
    revisions: revisions.items.map((item) => [item.op, item.note]),
    "first revision": first.document?.date.edtf,
    deleted: deleted.response.status,
    gone: told(await client.GET("/events/{id}", { params: { path } })),
    changes: (await changes(seen)).map((change) => [
      change.op,
      change.version,
      change.event?.date.edtf ?? null,
    ]),
  };
}

/** A file in again. */
async function imported(file: string | undefined, mediaType: string): Promise<number[]> {
  const report = the(
    await client.POST("/import", {
      headers: { "Content-Type": mediaType },
      body: file ?? "",
      bodySerializer: (body) => body,
    }),
  );
  return [report.created, report.updated, report.unchanged];
}

/** All events out as lines and as a table, all sources as a bibliography, and in again. */
async function copied(): Promise<number[][]> {
  const events = async (format: "ndjson" | "csv") =>
    (await client.GET("/events.{format}", { params: { path: { format } }, parseAs: "text" })).data;
  const sources = await client.GET("/sources.{format}", {
    params: { path: { format: "bib" } },
    parseAs: "text",
  });
  return [
    await imported(await events("ndjson"), "application/x-ndjson"),
    await imported(await events("csv"), "text/csv"),
    await imported(sources.data as string | undefined, "application/x-bibtex"),
  ];
}

const session = {
  filtered: (await filtered()).map((event) => [
    event.id,
    event.date.edtf,
    event.match,
    event.sources.length,
  ]),
  every: await every(),
  sparse: await sparse(),
  copied: await copied(),
  misspelt: told(await client.GET("/events", { params: { query: { date: "2023-13" } } })),
  ...(await wrote()),
};
console.log(JSON.stringify(session));
