/** Finding an adapter, and what it is. */
import { isLinux, isVariableGranted, setVariable, variableOf } from "./environment.ts";

/** Who the adapter is; drivers leave some texts empty. */
export interface AdapterRecord {
  /** Who made it. */
  vendor: string;
  /** Its family. */
  architecture: string;
  /** Which device. */
  device: string;
  /** What the driver calls it. */
  description: string;
  /** True for a software renderer, which is slower than plain TypeScript. */
  isFallback: boolean;
}

/** The adapter for a power preference, or null. */
export function requestAdapter(powerPreference: GPUPowerPreference = "high-performance") {
  quietMesa();
  return navigator.gpu?.requestAdapter({ powerPreference }) ?? Promise.resolve(null);
}

/** Mesa complains on stderr, twice, where this variable is missing, as over ssh and in containers. */
function quietMesa(): void {
  const name = "XDG_RUNTIME_DIR";
  if (!isLinux || !isVariableGranted(name) || variableOf(name) !== undefined) return;
  setVariable(name, "/tmp");
}

/** What an adapter says about itself. */
export function recordOf({ info }: GPUAdapter): AdapterRecord {
  const { vendor, architecture, device, description } = info;
  return {
    vendor,
    architecture,
    device,
    description: description.trim(),
    isFallback: info.isFallbackAdapter,
  };
}
