"""The right fund app: it does what the published documents say, and reads only what the ground needs."""

from conformance.examples.fund.service import FundApp, main

RightApp = FundApp

if __name__ == "__main__":
    main(RightApp)
