"""The right start-up app: it does what the published documents say, and reads only what it needs."""

from conformance.examples.start_up.service import StartUpApp, main

RightApp = StartUpApp

if __name__ == "__main__":
    main(RightApp)
