"""The right newborn app: it does what the published documents say, and reads only what it needs."""

from conformance.examples.newborn.service import NewbornApp, main

RightApp = NewbornApp

if __name__ == "__main__":
    main(RightApp)
