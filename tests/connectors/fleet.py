"""A small fleet as files of master data: two entities, two facilities, two units, two DCTUs, four channels."""

from pathlib import Path

from connectors.registry_files import FILES
from schemas.registry import Period

FLEET = {
    "entities": ["K,Kegoc,,", "L,Likom,,K"],
    "facilities": ["F,Fort,K,NS,R1,B1,H1,51.2,71.4", "G,Gora,L,W,R2,B2,,,"],
    "units": ["UG,Unit G,F,generation,coal,100", "UC,Unit C,G,consumption,,", "UE,Unit E,G,interchange,,"],
    "dctus": ["DF,Dctu F,F", "DG,Dctu G,G"],
    "channels": ["M1,01,DF,UG,1,500", "M1,02,DF,UG,-1,500", "M2,01,DG,UC,1,500", "M2,03,DG,,,500"],
}


def write_files(folder: Path, files: dict[str, list[str]]) -> Path:
    """A folder with these lines below the full header of each file; values left out at the end of a line are empty."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.csv"):
        old.unlink()
    for stem, lines in files.items():
        periods = Period.model_fields
        own = {name: field for name, field in FILES[stem].model_fields.items() if name not in periods}
        header = [str(field.validation_alias or name) for name, field in own.items()] + list(periods)
        full = (line + "," * (len(header) - 1 - line.count(",")) for line in lines)
        (folder / f"{stem}.csv").write_text("\n".join([",".join(header), *full]), encoding="utf-8")
    return folder
