/** A backend that thinks that less fits, for tests of what runs in pieces. */
import type { Backend, TensorLimit } from "../lib/backend/mod.ts";

/** The backend itself but for what it says of the size of tensors. */
export const limitedBackend = (backend: Backend, tensorLimit: TensorLimit): Backend =>
  new Proxy(backend, {
    get(target, key) {
      if (key === "tensorLimit") return tensorLimit;
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
