import { UserError } from "../errors.ts";

/** The two ways to stop reading a pickle, both one-line messages with the file's name. */
export class PickleFault {
  constructor(readonly label: string) {}

  /** The pickle is well formed but wants what a checkpoint may not have. */
  refuse(what: string): never {
    throw new UserError(
      `Cannot read ${this.label} as its pickle ${what}, ` +
        `and a checkpoint may only hold tensors and containers`,
    );
  }

  /** The pickle is malformed. @param what what is wrong */
  damaged(what: string): never {
    throw new UserError(`Cannot read ${this.label} as its pickle must be undamaged: ${what}`);
  }
}
