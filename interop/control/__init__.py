"""The HTTP control as programs in other languages use it: nothing but what comes with Node and with Go."""
