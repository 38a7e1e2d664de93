import type { ComponentType } from "preact";

/** What a page is given: the parts of the address after its own name. */
export interface PageProps {
  readonly parts: readonly string[];
}

export interface Page {
  /** The first part of the address. */
  readonly path: string;
  readonly label: string;
  /** The letter after `g` that goes there. */
  readonly key: string;
  /** A path on a field of 20 by 20. */
  readonly icon: string;
  readonly list: ComponentType<PageProps>;
  /** Shown when the address names one object. */
  readonly detail?: ComponentType<PageProps>;
  /** Reached from other pages and by its letter, but not in the list of pages. */
  readonly hidden?: boolean;
}
