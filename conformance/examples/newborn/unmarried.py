"""A newborn app with a business fault: it asks for the marriage but does not mind the answer."""

from conformance.examples.newborn.matter import Matter
from conformance.examples.newborn.service import NewbornApp, main


class UnmarriedApp(NewbornApp):
    """Accepts parents who are not married to each other."""

    def e3(self, matter: Matter) -> bool:
        return True


if __name__ == "__main__":
    main(UnmarriedApp)
