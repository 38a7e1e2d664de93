/** Said instead of a page when the address names nothing that is known. */
export function Missing({ noun, id, loaded }: { noun: string; id: string; loaded: boolean }) {
  if (!loaded) return <p class="empty" role="status">Loading…</p>;
  return (
    <div class="empty">
      <h1>No such {noun}</h1>
      <p>
        <code>{id}</code> is not in this cluster. It may have ended and been forgotten.
      </p>
      <p>
        <a href={`#/${noun}s`}>All {noun}s</a>
      </p>
    </div>
  );
}
