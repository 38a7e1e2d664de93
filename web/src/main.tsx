import { render } from "preact";
import { listenToAddress } from "./router";
import { App } from "./shell/app";
import { setTheme, startLive, theme } from "./state";
import "./style.css";

setTheme(theme.value);
listenToAddress();
startLive();
render(<App />, document.getElementById("app") as HTMLElement);
