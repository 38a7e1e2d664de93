import { render } from "preact";
import { standalone } from "./home";
import { watchForChronos } from "./chronos/presence";
import { watchForMarathon } from "./marathon/presence";
import { startNames } from "./names";
import { listenToAddress } from "./router";
import { App } from "./shell/app";
import { startLive } from "./state";
import { setTheme, theme } from "./theme";
import "./style.css";

setTheme(theme.value);
listenToAddress();
startLive();
if (!standalone) startNames();
watchForMarathon();
watchForChronos();
render(<App />, document.getElementById("app") as HTMLElement);
