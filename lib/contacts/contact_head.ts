/** ESM-2's own contact head: logistic regression on the corrected attention of all heads. */
import type { Checkpoint } from "../checkpoint/mod.ts";
import { UserError } from "../errors.ts";
import type { Esm2, TokenBatch } from "../esm2/mod.ts";
import { AttentionContacts, type AttentionContactsOptions } from "./attention_contacts.ts";

/**
 * Contact probabilities as fair-esm's `predict_contacts` gives them (`esm/modules.py`,
 * ContactPredictionHead), f32[L, L] per member of a batch.
 */
export class ContactHead implements AsyncDisposable {
  private constructor(readonly contacts: AttentionContacts) {}

  /** Reads the head's weights. @throws {UserError} if the checkpoint has no contact head */
  static async create(model: Esm2, checkpoint: Checkpoint): Promise<ContactHead> {
    if (!checkpoint.tensors.has("contact_head.regression.weight")) {
      throw new UserError(
        "Cannot predict contacts with --method head as the checkpoint must hold a contact head: " +
          "current value has none; --method attention and --method jacobian need none",
      );
    }
    const weights = await checkpoint.read("contact_head.regression.weight");
    const [intercept] = await checkpoint.read("contact_head.regression.bias");
    return new ContactHead(await AttentionContacts.create(model, weights, intercept));
  }

  /** Probabilities of contact, a map f32[L, L] a sequence. */
  run(batch: TokenBatch, options?: AttentionContactsOptions): Promise<Float32Array[]> {
    return this.contacts.run(batch, options);
  }

  /** Frees what it holds on the backend; what it was given stays the caller's. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.contacts[Symbol.asyncDispose]();
  }
}
