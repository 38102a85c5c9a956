/** When a simulated process or thread dies: at the n-th step of anything that it does, and it does nothing afterwards. */
import { Crash } from '#tests/helpers/mortal-database.ts';

export class Mortality {
  readonly #parent: Mortality | null;
  readonly #onDeath: () => void;
  #isDead = false;
  #left = Number.POSITIVE_INFINITY;

  /**
   * @param onDeath called in the very step: takes the files as they are then.
   * @param parent a thread dies with its process, and its steps are the process's.
   */
  constructor(onDeath: () => void, parent: Mortality | null = null) {
    this.#onDeath = onDeath;
    this.#parent = parent;
  }

  get isDead(): boolean {
    return this.#isDead || this.#parent?.isDead === true;
  }

  dieAfter(steps: number): void {
    this.#left = steps;
  }

  /** One step of what may die; throws when it is or becomes dead. */
  step(): void {
    this.pass();
    if (this.isDead) throw new Crash('the process died');
  }

  /** A step in a place where nothing may be thrown: somebody else's callback. */
  pass(): void {
    this.#parent?.pass();
    if (this.isDead) return;
    this.#left -= 1;
    if (this.#left <= 0) this.die();
  }

  die(): void {
    if (this.isDead) return;
    this.#isDead = true;
    this.#onDeath();
  }
}
