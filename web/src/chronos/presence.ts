import { watched } from "../framework/presence";
import { chronos } from "../state";

export const { presence: chronosPresence, start: startChronos, watch: watchForChronos } = watched("chronos", chronos, "chronos_door");
