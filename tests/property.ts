/** The one place that names the property-testing library. */
export { default as fc } from "npm:fast-check@4.10.2";
