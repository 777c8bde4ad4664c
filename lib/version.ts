import config from "../deno.json" with { type: "json" };

/** Version of this toolkit. */
export const VERSION: string = config.version;
