import { watched } from "../framework/presence";
import { marathon } from "../state";

export const { presence, start: startMarathon, watch: watchForMarathon } = watched("marathon", marathon, "door");
