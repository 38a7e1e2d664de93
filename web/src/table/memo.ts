import { Component, type ComponentType, type FunctionComponent, h } from "preact";

/** Draws again only when `same` says that the properties differ. (Preact keeps its own in `compat`.) */
export function memo<P extends object>(
  draw: FunctionComponent<P>,
  same: (old: P, next: P) => boolean,
): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return !same(this.props as P, next);
    }
    override render() {
      return h(draw, this.props as P);
    }
  };
}
