import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

/** A page whose code comes when it is opened; said clearly when it does not come. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | null = null;
  return (props: P) => {
    const [page, setPage] = useState<ComponentType<P> | null>(() => loaded);
    const [fault, setFault] = useState("");
    useEffect(() => {
      if (loaded !== null) return;
      load().then(
        (made) => {
          loaded = made;
          setPage(() => made);
        },
        (error: Error) => setFault(error.message),
      );
    }, []);
    if (page !== null) {
      const Page = page;
      return <Page {...props} />;
    }
    if (fault === "") return <p class="empty" role="status">Loading…</p>;
    return (
      <div class="empty" role="alert">
        <h1>This page could not be loaded</h1>
        <p>The dashboard may have been updated, or the connection broke ({fault}).</p>
        <p><button type="button" onClick={() => location.reload()}>Load the dashboard anew</button></p>
      </div>
    );
  };
}
