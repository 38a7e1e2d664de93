/** What the API's queue says of apps that wait: read and put into words. */

export interface Declined {
  readonly reason: string;
  readonly declined: number;
  readonly processed: number;
}

export interface QueueEntry {
  readonly app?: { readonly id: string };
  readonly count: number;
  readonly since: string;
  readonly delay?: { readonly timeLeftSeconds: number; readonly overdue: boolean };
  readonly processedOffersSummary?: {
    readonly processedOffersCount: number;
    readonly unusedOffersCount: number;
    readonly rejectSummaryLastOffers?: readonly Declined[];
    readonly rejectSummaryLaunchAttempt?: readonly Declined[];
  };
}

/** Reasons in the words of a sentence: "no agent has ...". */
export const REASONS: Readonly<Record<string, string>> = {
  UnfulfilledRole: "resources of its role",
  UnfulfilledConstraint: "what its constraints ask for",
  NoCorrespondingReservationFound: "a reservation of its own",
  AgentMaintenance: "no maintenance",
  InsufficientCpus: "enough CPU",
  InsufficientMemory: "enough memory",
  InsufficientDisk: "enough disk",
  InsufficientGpus: "enough GPUs",
  InsufficientPorts: "the ports",
  DeclinedScarceResources: "resources that are not kept for others",
};

const SHORT: Readonly<Record<string, string>> = {
  UnfulfilledRole: "role", UnfulfilledConstraint: "constraint", NoCorrespondingReservationFound: "reservation",
  AgentMaintenance: "maintenance", InsufficientCpus: "CPU", InsufficientMemory: "memory", InsufficientDisk: "disk",
  InsufficientGpus: "GPU", InsufficientPorts: "ports", DeclinedScarceResources: "scarce",
};

export function shortReason(reason: string): string {
  return SHORT[reason] ?? reason;
}

/** The step at which most of the last offers were turned down. */
export function dominant(funnel: readonly Declined[]): Declined | null {
  let worst: Declined | null = null;
  for (const step of funnel) if (step.declined > (worst?.declined ?? 0)) worst = step;
  return worst;
}

/** Why an app waits, in a few words. */
export function waitingFor(entry: QueueEntry): string {
  const { delay, processedOffersSummary: summary } = entry;
  if (delay !== undefined && !delay.overdue) return "backed off after failures";
  const worst = dominant(summary?.rejectSummaryLastOffers ?? []);
  if (worst === null) return summary === undefined || summary.processedOffersCount === 0 ? "no offer has come yet" : "waiting for offers";
  return `${worst.declined} of ${summary?.rejectSummaryLastOffers?.[0]?.processed ?? worst.processed} offers without ${REASONS[worst.reason] ?? worst.reason}`;
}
