"""How people and programs are told what Chronos has to tell: by mail and by calls over HTTP."""
