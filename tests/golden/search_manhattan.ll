; ModuleID = "likewise"
target triple = "unknown-unknown-unknown"
target datalayout = ""

define internal i64 @"search_tighten"(ptr noalias %".1") noinline
{
entry:
  %".4" = getelementptr i64, ptr %".1", i64 0
  %".5" = load i64, ptr %".4"
  %".6" = inttoptr i64 %".5" to ptr
  %".7" = getelementptr i64, ptr %".1", i64 1
  %".8" = load i64, ptr %".7"
  %".9" = inttoptr i64 %".8" to ptr
  %".10" = getelementptr i64, ptr %".1", i64 7
  %".11" = load i64, ptr %".10"
  %".12" = getelementptr i64, ptr %".1", i64 2
  %".13" = load i64, ptr %".12"
  %".14" = inttoptr i64 %".13" to ptr
  %".25" = alloca <4 x float>, i32 1
  %".27" = alloca <4 x float>, i32 1
  %".29" = alloca <4 x i32>, i32 1
  %".78" = alloca i64, i32 1
  %".87" = alloca i64, i32 1
  %".94" = alloca i64, i32 1
  %".96" = getelementptr i64, ptr %".1", i64 11
  %".97" = load i64, ptr %".96"
  %".114" = alloca <4 x i32>, i32 1
  %".151" = getelementptr i64, ptr %".1", i64 4
  %".152" = load i64, ptr %".151"
  %".153" = inttoptr i64 %".152" to ptr
  %".156" = getelementptr i64, ptr %".1", i64 12
  %".157" = load i64, ptr %".156"
  %".158" = bitcast i64 %".157" to double
  %".159" = fptrunc double %".158" to float
  %".161" = getelementptr i64, ptr %".1", i64 5
  %".162" = load i64, ptr %".161"
  %".163" = inttoptr i64 %".162" to ptr
  %".171" = alloca i64, i32 1
  %".197" = getelementptr i64, ptr %".1", i64 10
  %".198" = load i64, ptr %".197"
  %".200" = getelementptr i64, ptr %".1", i64 8
  %".201" = load i64, ptr %".200"
  %".204" = getelementptr i64, ptr %".1", i64 3
  %".205" = load i64, ptr %".204"
  %".206" = inttoptr i64 %".205" to ptr
  %".209" = getelementptr i64, ptr %".1", i64 9
  %".210" = load i64, ptr %".209"
  %".213" = getelementptr i64, ptr %".1", i64 6
  %".214" = load i64, ptr %".213"
  %".215" = inttoptr i64 %".214" to ptr
  br label %"body"
body:
  %".15" = getelementptr i64, ptr %".14", i64 0
  %".16" = load i64, ptr %".15", align 8
  %".17" = add i64 %".16", 4
  br label %"pad.head"
pad.head:
  %"pad" = phi  i64 [%".16", %"body"], [%".23", %"pad.body"]
  %".19" = icmp slt i64 %"pad", %".17"
  br i1 %".19", label %"pad.body", label %"pad.done"
pad.body:
  %".21" = getelementptr float, ptr %".6", i64 %"pad"
  store float 0x7ff8000000000000, ptr %".21", align 4
  %".23" = add i64 %"pad", 1
  br label %"pad.head"
pad.done:
  store <4 x float> <float 0x7ff0000000000000, float 0x7ff0000000000000, float 0x7ff0000000000000, float 0x7ff0000000000000>, ptr %".25"
  store <4 x float> <float 0xfff0000000000000, float 0xfff0000000000000, float 0xfff0000000000000, float 0xfff0000000000000>, ptr %".27"
  store <4 x i32> <i32 0, i32 0, i32 0, i32 0>, ptr %".29"
  br label %"range.head"
range.head:
  %"range" = phi  i64 [0, %"pad.done"], [%".51", %"range.body"]
  %".32" = icmp slt i64 %"range", %".16"
  br i1 %".32", label %"range.body", label %"range.done"
range.body:
  %".34" = getelementptr float, ptr %".6", i64 %"range"
  %".35" = load <4 x float>, ptr %".34", align 4
  %".36" = load <4 x float>, ptr %".25"
  %".37" = fcmp olt <4 x float> %".35", %".36"
  %".38" = load <4 x float>, ptr %".25"
  %".39" = select  <4 x i1> %".37", <4 x float> %".35", <4 x float> %".38"
  store <4 x float> %".39", ptr %".25"
  %".41" = load <4 x float>, ptr %".27"
  %".42" = fcmp ogt <4 x float> %".35", %".41"
  %".43" = load <4 x float>, ptr %".27"
  %".44" = select  <4 x i1> %".42", <4 x float> %".35", <4 x float> %".43"
  store <4 x float> %".44", ptr %".27"
  %".46" = load <4 x i32>, ptr %".29"
  %".47" = fcmp ord <4 x float> %".35", %".35"
  %".48" = zext <4 x i1> %".47" to <4 x i32>
  %".49" = add <4 x i32> %".46", %".48"
  store <4 x i32> %".49", ptr %".29"
  %".51" = add i64 %"range", 4
  br label %"range.head"
range.done:
  %".53" = load <4 x float>, ptr %".25"
  %".54" = load <4 x float>, ptr %".27"
  %".55" = extractelement <4 x float> %".53", i32 0
  %".56" = extractelement <4 x float> %".54", i32 0
  %".57" = extractelement <4 x float> %".53", i32 1
  %".58" = extractelement <4 x float> %".54", i32 1
  %".59" = fcmp olt float %".57", %".55"
  %".60" = select  i1 %".59", float %".57", float %".55"
  %".61" = fcmp ogt float %".58", %".56"
  %".62" = select  i1 %".61", float %".58", float %".56"
  %".63" = extractelement <4 x float> %".53", i32 2
  %".64" = extractelement <4 x float> %".54", i32 2
  %".65" = fcmp olt float %".63", %".60"
  %".66" = select  i1 %".65", float %".63", float %".60"
  %".67" = fcmp ogt float %".64", %".62"
  %".68" = select  i1 %".67", float %".64", float %".62"
  %".69" = extractelement <4 x float> %".53", i32 3
  %".70" = extractelement <4 x float> %".54", i32 3
  %".71" = fcmp olt float %".69", %".66"
  %".72" = select  i1 %".71", float %".69", float %".66"
  %".73" = fcmp ogt float %".70", %".68"
  %".74" = select  i1 %".73", float %".70", float %".68"
  %".75" = load <4 x i32>, ptr %".29"
  %".76" = call i32 @"llvm.vector.reduce.add.v4i32"(<4 x i32> %".75")
  %".77" = zext i32 %".76" to i64
  store i64 %".16", ptr %".78"
  %".80" = icmp sge i64 %".77", %".11"
  br i1 %".80", label %"range.done.if", label %"range.done.endif"
range.done.if:
  %".82" = bitcast float %".72" to i32
  %".83" = ashr i32 %".82", 31
  %".84" = lshr i32 %".83", 1
  %".85" = xor i32 %".82", %".84"
  %".86" = sext i32 %".85" to i64
  store i64 %".86", ptr %".87"
  %".89" = bitcast float %".74" to i32
  %".90" = ashr i32 %".89", 31
  %".91" = lshr i32 %".90", 1
  %".92" = xor i32 %".89", %".91"
  %".93" = sext i32 %".92" to i64
  store i64 %".93", ptr %".94"
  %".98" = add i64 %".11", %".97"
  br label %"bisect.head"
range.done.endif:
  %".194" = load i64, ptr %".78"
  %".195" = getelementptr i64, ptr %".14", i64 0
  store i64 %".194", ptr %".195", align 8
  %".199" = add i64 %".194", %".198"
  %".202" = icmp slt i64 %".199", %".201"
  %".203" = select  i1 %".202", i64 %".199", i64 %".201"
  %".207" = getelementptr i64, ptr %".206", i64 0
  store i64 %".203", ptr %".207", align 8
  %".211" = icmp sgt i64 %".194", %".210"
  br i1 %".211", label %"range.done.endif.if", label %"range.done.endif.endif"
bisect.head:
  %".100" = load i64, ptr %".87"
  %".101" = load i64, ptr %".94"
  %".102" = icmp slt i64 %".100", %".101"
  br i1 %".102", label %"bisect.body", label %"bisect.done"
bisect.body:
  %".104" = load i64, ptr %".87"
  %".105" = load i64, ptr %".94"
  %".106" = sub i64 %".105", %".104"
  %".107" = lshr i64 %".106", 1
  %".108" = add i64 %".104", %".107"
  %".109" = trunc i64 %".108" to i32
  %".110" = ashr i32 %".109", 31
  %".111" = lshr i32 %".110", 1
  %".112" = xor i32 %".109", %".111"
  %".113" = bitcast i32 %".112" to float
  store <4 x i32> <i32 0, i32 0, i32 0, i32 0>, ptr %".114"
  %".116" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".113", i32 0
  %".117" = shufflevector <4 x float> %".116", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  br label %"count.head"
bisect.done:
  %".145" = load i64, ptr %".94"
  %".146" = trunc i64 %".145" to i32
  %".147" = ashr i32 %".146", 31
  %".148" = lshr i32 %".147", 1
  %".149" = xor i32 %".146", %".148"
  %".150" = bitcast i32 %".149" to float
  %".154" = getelementptr float, ptr %".153", i64 0
  %".155" = load float, ptr %".154", align 4
  %".160" = fmul float %".150", %".159"
  %".164" = getelementptr float, ptr %".163", i64 0
  %".165" = load float, ptr %".164", align 4
  %".166" = fadd float %".160", %".165"
  %".167" = fcmp olt float %".166", %".155"
  %".168" = select  i1 %".167", float %".166", float %".155"
  %".169" = getelementptr float, ptr %".153", i64 0
  store float %".168", ptr %".169", align 4
  store i64 0, ptr %".171"
  br label %"keep.head"
count.head:
  %"count" = phi  i64 [0, %"bisect.body"], [%".128", %"count.body"]
  %".119" = icmp slt i64 %"count", %".16"
  br i1 %".119", label %"count.body", label %"count.done"
count.body:
  %".121" = getelementptr float, ptr %".6", i64 %"count"
  %".122" = load <4 x float>, ptr %".121", align 4
  %".123" = fcmp ole <4 x float> %".122", %".117"
  %".124" = load <4 x i32>, ptr %".114"
  %".125" = zext <4 x i1> %".123" to <4 x i32>
  %".126" = add <4 x i32> %".124", %".125"
  store <4 x i32> %".126", ptr %".114"
  %".128" = add i64 %"count", 4
  br label %"count.head"
count.done:
  %".130" = load <4 x i32>, ptr %".114"
  %".131" = call i32 @"llvm.vector.reduce.add.v4i32"(<4 x i32> %".130")
  %".132" = zext i32 %".131" to i64
  %".133" = icmp sge i64 %".132", %".11"
  %".134" = select  i1 %".133", i64 %".108", i64 %".105"
  store i64 %".134", ptr %".94"
  %".136" = add i64 %".108", 1
  %".137" = select  i1 %".133", i64 %".104", i64 %".136"
  store i64 %".137", ptr %".87"
  %".139" = icmp sle i64 %".132", %".98"
  %".140" = and i1 %".133", %".139"
  br i1 %".140", label %"count.done.if", label %"count.done.endif"
count.done.if:
  store i64 %".108", ptr %".87"
  br label %"count.done.endif"
count.done.endif:
  br label %"bisect.head"
keep.head:
  %"keep" = phi  i64 [0, %"bisect.done"], [%".189", %"keep.body"]
  %".174" = icmp slt i64 %"keep", %".16"
  br i1 %".174", label %"keep.body", label %"keep.done"
keep.body:
  %".176" = getelementptr float, ptr %".6", i64 %"keep"
  %".177" = load float, ptr %".176", align 4
  %".178" = load i64, ptr %".171"
  %".179" = getelementptr float, ptr %".6", i64 %".178"
  store float %".177", ptr %".179", align 4
  %".181" = getelementptr i64, ptr %".9", i64 %"keep"
  %".182" = load i64, ptr %".181", align 8
  %".183" = getelementptr i64, ptr %".9", i64 %".178"
  store i64 %".182", ptr %".183", align 8
  %".185" = fcmp ule float %".177", %".168"
  %".186" = zext i1 %".185" to i64
  %".187" = add i64 %".178", %".186"
  store i64 %".187", ptr %".171"
  %".189" = add i64 %"keep", 1
  br label %"keep.head"
keep.done:
  %".191" = load i64, ptr %".171"
  store i64 %".191", ptr %".78"
  br label %"range.done.endif"
range.done.endif.if:
  %".216" = getelementptr i64, ptr %".215", i64 0
  store i64 1, ptr %".216", align 8
  %".218" = getelementptr float, ptr %".153", i64 0
  store float 0xfff0000000000000, ptr %".218", align 4
  br label %"range.done.endif.endif"
range.done.endif.endif:
  ret i64 0
}

declare i32 @"llvm.vector.reduce.add.v4i32"(<4 x i32> %".1")

define i64 @"search"(ptr noalias %".1")
{
entry:
  %".4" = alloca i64, i32 13
  %".5" = getelementptr i64, ptr %".1", i64 3
  %".6" = load i64, ptr %".5"
  %".7" = getelementptr i64, ptr %".1", i64 4
  %".8" = load i64, ptr %".7"
  %".12" = alloca <4 x float>, i32 8, align 64
  %".13" = alloca <4 x float>, i32 2, align 64
  %".14" = getelementptr i64, ptr %".1", i64 7
  %".15" = load i64, ptr %".14"
  %".16" = getelementptr i64, ptr %".1", i64 1
  %".17" = load i64, ptr %".16"
  %".20" = getelementptr i64, ptr %".1", i64 2
  %".21" = load i64, ptr %".20"
  %".22" = inttoptr i64 %".21" to ptr
  %".30" = getelementptr i64, ptr %".1", i64 0
  %".31" = load i64, ptr %".30"
  %".32" = inttoptr i64 %".31" to ptr
  %".36" = alloca <4 x float>, i32 1
  %".38" = alloca <4 x float>, i32 1
  %".40" = alloca <4 x float>, i32 1
  %".42" = alloca <4 x float>, i32 1
  %".44" = alloca <4 x float>, i32 1
  %".46" = alloca <4 x float>, i32 1
  %".48" = alloca <4 x float>, i32 1
  %".50" = alloca <4 x float>, i32 1
  %".152" = getelementptr i64, ptr %".1", i64 13
  %".153" = load i64, ptr %".152"
  %".154" = inttoptr i64 %".153" to ptr
  %".231" = alloca i64, i32 1
  %".283" = alloca i64, i32 1
  %".286" = getelementptr i64, ptr %".1", i64 5
  %".287" = load i64, ptr %".286"
  %".289" = getelementptr i64, ptr %".1", i64 34
  %".290" = load i64, ptr %".289"
  %".294" = getelementptr i64, ptr %".1", i64 32
  %".295" = load i64, ptr %".294"
  %".296" = inttoptr i64 %".295" to ptr
  %".299" = getelementptr i64, ptr %".1", i64 25
  %".300" = load i64, ptr %".299"
  %".303" = getelementptr i64, ptr %".1", i64 31
  %".304" = load i64, ptr %".303"
  %".305" = inttoptr i64 %".304" to ptr
  %".315" = getelementptr i64, ptr %".1", i64 22
  %".316" = load i64, ptr %".315"
  %".318" = getelementptr i64, ptr %".1", i64 9
  %".319" = load i64, ptr %".318"
  %".320" = inttoptr i64 %".319" to ptr
  %".322" = getelementptr i64, ptr %".1", i64 10
  %".323" = load i64, ptr %".322"
  %".324" = inttoptr i64 %".323" to ptr
  %".332" = getelementptr i64, ptr %".1", i64 15
  %".333" = load i64, ptr %".332"
  %".334" = inttoptr i64 %".333" to ptr
  %".339" = getelementptr i64, ptr %".1", i64 11
  %".340" = load i64, ptr %".339"
  %".341" = inttoptr i64 %".340" to ptr
  %".344" = alloca i64, i32 1
  %".346" = getelementptr i64, ptr %".1", i64 6
  %".347" = load i64, ptr %".346"
  %".349" = alloca i64, i32 1
  %".361" = alloca i1, i32 1
  %".363" = getelementptr i64, ptr %".1", i64 24
  %".364" = load i64, ptr %".363"
  %".368" = alloca i64, i32 1
  %".370" = getelementptr i64, ptr %".1", i64 26
  %".371" = load i64, ptr %".370"
  %".374" = inttoptr i64 %".371" to ptr
  %".384" = getelementptr i64, ptr %".1", i64 33
  %".385" = load i64, ptr %".384"
  %".393" = getelementptr i64, ptr %".1", i64 27
  %".394" = load i64, ptr %".393"
  %".397" = inttoptr i64 %".394" to ptr
  %".405" = getelementptr i64, ptr %".1", i64 28
  %".406" = load i64, ptr %".405"
  %".409" = inttoptr i64 %".406" to ptr
  %".410" = getelementptr i64, ptr %".1", i64 30
  %".411" = load i64, ptr %".410"
  %".412" = inttoptr i64 %".411" to ptr
  %".415" = getelementptr i64, ptr %".1", i64 29
  %".416" = load i64, ptr %".415"
  %".417" = inttoptr i64 %".416" to ptr
  %".420" = alloca i64, i32 1
  %".422" = alloca i64, i32 1
  %".442" = alloca i1, i32 1
  %".476" = getelementptr i64, ptr %".1", i64 12
  %".477" = load i64, ptr %".476"
  %".478" = inttoptr i64 %".477" to ptr
  %".504" = getelementptr i64, ptr %".1", i64 14
  %".505" = load i64, ptr %".504"
  %".514" = getelementptr i64, ptr %".1", i64 16
  %".515" = load i64, ptr %".514"
  %".518" = getelementptr i64, ptr %".1", i64 17
  %".519" = load i64, ptr %".518"
  %".522" = getelementptr i64, ptr %".1", i64 18
  %".523" = load i64, ptr %".522"
  %".526" = getelementptr i64, ptr %".1", i64 19
  %".527" = load i64, ptr %".526"
  %".530" = getelementptr i64, ptr %".1", i64 20
  %".531" = load i64, ptr %".530"
  %".534" = getelementptr i64, ptr %".1", i64 21
  %".535" = load i64, ptr %".534"
  %".548" = getelementptr i64, ptr %".1", i64 23
  %".549" = load i64, ptr %".548"
  br label %"body"
body:
  br label %"panel.head"
panel.head:
  %"panel" = phi  i64 [%".6", %"body"], [%".546", %"tile.done"]
  %".10" = icmp slt i64 %"panel", %".8"
  br i1 %".10", label %"panel.body", label %"panel.done"
panel.body:
  %".18" = add i64 %".17", 3
  %".19" = sdiv i64 %".18", 4
  %".23" = mul i64 %"panel", %".15"
  %".24" = mul i64 %".23", 8
  %".25" = getelementptr float, ptr %".22", i64 %".24"
  br label %"tile.head"
panel.done:
  br label %"finish.head"
tile.head:
  %"tile" = phi  i64 [0, %"panel.body"], [%".544", %"t.done.endif"]
  %".27" = icmp slt i64 %"tile", %".19"
  br i1 %".27", label %"tile.body", label %"tile.done"
tile.body:
  %".29" = mul i64 %"tile", 4
  %".33" = mul i64 %".29", %".15"
  %".34" = getelementptr float, ptr %".32", i64 %".33"
  %".35" = mul i64 %"panel", 8
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".36"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".38"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".40"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".42"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".44"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".46"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".48"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".50"
  %".52" = sitofp i64 %".15" to float
  %".53" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".52", i32 0
  %".54" = shufflevector <4 x float> %".53", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  br label %"t.head"
tile.done:
  %".546" = add i64 %"panel", 1
  br label %"panel.head"
t.head:
  %"t" = phi  i64 [0, %"tile.body"], [%".142", %"t.body"]
  %".56" = icmp slt i64 %"t", %".15"
  br i1 %".56", label %"t.body", label %"t.done"
t.body:
  %".58" = mul i64 %"t", 8
  %".59" = add i64 %".58", 0
  %".60" = getelementptr float, ptr %".25", i64 %".59"
  %".61" = load <4 x float>, ptr %".60", align 4
  %".62" = add i64 %".58", 4
  %".63" = getelementptr float, ptr %".25", i64 %".62"
  %".64" = load <4 x float>, ptr %".63", align 4
  %".65" = mul i64 %"t", 4
  %".66" = add i64 %".65", 0
  %".67" = getelementptr float, ptr %".34", i64 %".66"
  %".68" = load float, ptr %".67", align 4
  %".69" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".68", i32 0
  %".70" = shufflevector <4 x float> %".69", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".71" = add i64 %".29", 0
  %".72" = add i64 %".35", 0
  %".73" = load <4 x float>, ptr %".36"
  %".74" = fsub <4 x float> %".70", %".61"
  %".75" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".74")
  %".76" = fadd <4 x float> %".73", %".75"
  store <4 x float> %".76", ptr %".36"
  %".78" = add i64 %".29", 0
  %".79" = add i64 %".35", 4
  %".80" = load <4 x float>, ptr %".38"
  %".81" = fsub <4 x float> %".70", %".64"
  %".82" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".81")
  %".83" = fadd <4 x float> %".80", %".82"
  store <4 x float> %".83", ptr %".38"
  %".85" = add i64 %".65", 1
  %".86" = getelementptr float, ptr %".34", i64 %".85"
  %".87" = load float, ptr %".86", align 4
  %".88" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".87", i32 0
  %".89" = shufflevector <4 x float> %".88", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".90" = add i64 %".29", 1
  %".91" = add i64 %".35", 0
  %".92" = load <4 x float>, ptr %".40"
  %".93" = fsub <4 x float> %".89", %".61"
  %".94" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".93")
  %".95" = fadd <4 x float> %".92", %".94"
  store <4 x float> %".95", ptr %".40"
  %".97" = add i64 %".29", 1
  %".98" = add i64 %".35", 4
  %".99" = load <4 x float>, ptr %".42"
  %".100" = fsub <4 x float> %".89", %".64"
  %".101" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".100")
  %".102" = fadd <4 x float> %".99", %".101"
  store <4 x float> %".102", ptr %".42"
  %".104" = add i64 %".65", 2
  %".105" = getelementptr float, ptr %".34", i64 %".104"
  %".106" = load float, ptr %".105", align 4
  %".107" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".106", i32 0
  %".108" = shufflevector <4 x float> %".107", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".109" = add i64 %".29", 2
  %".110" = add i64 %".35", 0
  %".111" = load <4 x float>, ptr %".44"
  %".112" = fsub <4 x float> %".108", %".61"
  %".113" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".112")
  %".114" = fadd <4 x float> %".111", %".113"
  store <4 x float> %".114", ptr %".44"
  %".116" = add i64 %".29", 2
  %".117" = add i64 %".35", 4
  %".118" = load <4 x float>, ptr %".46"
  %".119" = fsub <4 x float> %".108", %".64"
  %".120" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".119")
  %".121" = fadd <4 x float> %".118", %".120"
  store <4 x float> %".121", ptr %".46"
  %".123" = add i64 %".65", 3
  %".124" = getelementptr float, ptr %".34", i64 %".123"
  %".125" = load float, ptr %".124", align 4
  %".126" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".125", i32 0
  %".127" = shufflevector <4 x float> %".126", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".128" = add i64 %".29", 3
  %".129" = add i64 %".35", 0
  %".130" = load <4 x float>, ptr %".48"
  %".131" = fsub <4 x float> %".127", %".61"
  %".132" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".131")
  %".133" = fadd <4 x float> %".130", %".132"
  store <4 x float> %".133", ptr %".48"
  %".135" = add i64 %".29", 3
  %".136" = add i64 %".35", 4
  %".137" = load <4 x float>, ptr %".50"
  %".138" = fsub <4 x float> %".127", %".64"
  %".139" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".138")
  %".140" = fadd <4 x float> %".137", %".139"
  store <4 x float> %".140", ptr %".50"
  %".142" = add i64 %"t", 1
  br label %"t.head"
t.done:
  %".144" = load <4 x float>, ptr %".36"
  %".145" = load <4 x float>, ptr %".38"
  %".146" = load <4 x float>, ptr %".40"
  %".147" = load <4 x float>, ptr %".42"
  %".148" = load <4 x float>, ptr %".44"
  %".149" = load <4 x float>, ptr %".46"
  %".150" = load <4 x float>, ptr %".48"
  %".151" = load <4 x float>, ptr %".50"
  %".155" = add i64 %".29", 0
  %".156" = getelementptr float, ptr %".154", i64 %".155"
  %".157" = load float, ptr %".156", align 4
  %".158" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".157", i32 0
  %".159" = shufflevector <4 x float> %".158", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".160" = fcmp ule <4 x float> %".144", %".159"
  %".161" = fcmp ule <4 x float> %".145", %".159"
  %".162" = or <4 x i1> %".160", %".161"
  %".163" = bitcast <4 x i1> %".162" to i4
  %".164" = icmp ne i4 %".163", 0
  %".165" = zext i1 %".164" to i64
  %".166" = shl i64 %".165", 0
  %".167" = or i64 0, %".166"
  %".168" = add i64 %".29", 1
  %".169" = getelementptr float, ptr %".154", i64 %".168"
  %".170" = load float, ptr %".169", align 4
  %".171" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".170", i32 0
  %".172" = shufflevector <4 x float> %".171", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".173" = fcmp ule <4 x float> %".146", %".172"
  %".174" = fcmp ule <4 x float> %".147", %".172"
  %".175" = or <4 x i1> %".173", %".174"
  %".176" = bitcast <4 x i1> %".175" to i4
  %".177" = icmp ne i4 %".176", 0
  %".178" = zext i1 %".177" to i64
  %".179" = shl i64 %".178", 1
  %".180" = or i64 %".167", %".179"
  %".181" = add i64 %".29", 2
  %".182" = getelementptr float, ptr %".154", i64 %".181"
  %".183" = load float, ptr %".182", align 4
  %".184" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".183", i32 0
  %".185" = shufflevector <4 x float> %".184", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".186" = fcmp ule <4 x float> %".148", %".185"
  %".187" = fcmp ule <4 x float> %".149", %".185"
  %".188" = or <4 x i1> %".186", %".187"
  %".189" = bitcast <4 x i1> %".188" to i4
  %".190" = icmp ne i4 %".189", 0
  %".191" = zext i1 %".190" to i64
  %".192" = shl i64 %".191", 2
  %".193" = or i64 %".180", %".192"
  %".194" = add i64 %".29", 3
  %".195" = getelementptr float, ptr %".154", i64 %".194"
  %".196" = load float, ptr %".195", align 4
  %".197" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".196", i32 0
  %".198" = shufflevector <4 x float> %".197", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".199" = fcmp ule <4 x float> %".150", %".198"
  %".200" = fcmp ule <4 x float> %".151", %".198"
  %".201" = or <4 x i1> %".199", %".200"
  %".202" = bitcast <4 x i1> %".201" to i4
  %".203" = icmp ne i4 %".202", 0
  %".204" = zext i1 %".203" to i64
  %".205" = shl i64 %".204", 3
  %".206" = or i64 %".193", %".205"
  %".207" = sub i64 %".17", %".29"
  %".208" = icmp slt i64 %".207", 4
  %".209" = select  i1 %".208", i64 %".207", i64 4
  %".210" = shl i64 1, %".209"
  %".211" = sub i64 %".210", 1
  %".212" = and i64 %".206", %".211"
  %".213" = icmp ne i64 %".212", 0
  br i1 %".213", label %"t.done.if", label %"t.done.endif", !prof !0
t.done.if:
  %".215" = getelementptr float, ptr %".12", i64 0
  store <4 x float> %".144", ptr %".215", align 4
  %".217" = getelementptr float, ptr %".12", i64 4
  store <4 x float> %".145", ptr %".217", align 4
  %".219" = getelementptr float, ptr %".12", i64 8
  store <4 x float> %".146", ptr %".219", align 4
  %".221" = getelementptr float, ptr %".12", i64 12
  store <4 x float> %".147", ptr %".221", align 4
  %".223" = getelementptr float, ptr %".12", i64 16
  store <4 x float> %".148", ptr %".223", align 4
  %".225" = getelementptr float, ptr %".12", i64 20
  store <4 x float> %".149", ptr %".225", align 4
  %".227" = getelementptr float, ptr %".12", i64 24
  store <4 x float> %".150", ptr %".227", align 4
  %".229" = getelementptr float, ptr %".12", i64 28
  store <4 x float> %".151", ptr %".229", align 4
  store i64 %".212", ptr %".231"
  br label %"bit.head"
t.done.endif:
  %".544" = add i64 %"tile", 1
  br label %"tile.head"
bit.head:
  %".234" = load i64, ptr %".231"
  %".235" = icmp ne i64 %".234", 0
  br i1 %".235", label %"bit.body", label %"bit.done"
bit.body:
  %".237" = load i64, ptr %".231"
  %".238" = sub i64 %".237", 1
  %".239" = and i64 %".237", %".238"
  store i64 %".239", ptr %".231"
  %".241" = call i64 @"llvm.cttz.i64"(i64 %".237", i1 1)
  %".242" = add i64 %".29", %".241"
  %".243" = getelementptr float, ptr %".154", i64 %".242"
  %".244" = load float, ptr %".243", align 4
  %".245" = add i64 %".241", 0
  %".246" = mul i64 %".245", 8
  %".247" = add i64 %".246", 0
  %".248" = getelementptr float, ptr %".12", i64 %".247"
  %".249" = load <4 x float>, ptr %".248", align 4
  %".250" = add i64 %".35", 0
  %".251" = sitofp i64 %".15" to float
  %".252" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".251", i32 0
  %".253" = shufflevector <4 x float> %".252", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".254" = getelementptr float, ptr %".13", i64 0
  store <4 x float> %".249", ptr %".254", align 4
  %".256" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".244", i32 0
  %".257" = shufflevector <4 x float> %".256", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".258" = fcmp ule <4 x float> %".249", %".257"
  %".259" = bitcast <4 x i1> %".258" to i4
  %".260" = zext i4 %".259" to i64
  %".261" = shl i64 %".260", 0
  %".262" = or i64 0, %".261"
  %".263" = add i64 %".241", 0
  %".264" = mul i64 %".263", 8
  %".265" = add i64 %".264", 4
  %".266" = getelementptr float, ptr %".12", i64 %".265"
  %".267" = load <4 x float>, ptr %".266", align 4
  %".268" = add i64 %".35", 4
  %".269" = sitofp i64 %".15" to float
  %".270" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".269", i32 0
  %".271" = shufflevector <4 x float> %".270", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".272" = getelementptr float, ptr %".13", i64 4
  store <4 x float> %".267", ptr %".272", align 4
  %".274" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".244", i32 0
  %".275" = shufflevector <4 x float> %".274", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".276" = fcmp ule <4 x float> %".267", %".275"
  %".277" = bitcast <4 x i1> %".276" to i4
  %".278" = zext i4 %".277" to i64
  %".279" = shl i64 %".278", 4
  %".280" = or i64 %".262", %".279"
  %".281" = icmp ne i64 %".280", 0
  br i1 %".281", label %"bit.body.if", label %"bit.body.endif", !prof !0
bit.done:
  br label %"t.done.endif"
bit.body.if:
  store i64 %".280", ptr %".283"
  %".285" = add i64 %".35", 8
  %".288" = icmp sle i64 %".285", %".287"
  %".291" = icmp ne i64 %".290", 0
  %".292" = and i1 %".291", %".288"
  br i1 %".292", label %"bit.body.if.if", label %"bit.body.if.endif"
bit.body.endif:
  br label %"bit.head"
bit.body.if.if:
  %".297" = getelementptr i64, ptr %".296", i64 %".242"
  %".298" = load i64, ptr %".297", align 8
  %".301" = add i64 %".35", %".300"
  %".302" = add i64 %".298", %".301"
  %".306" = getelementptr i8, ptr %".305", i64 %".302"
  %".307" = load <8 x i8>, ptr %".306", align 1
  %".308" = icmp ne <8 x i8> %".307", <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>
  %".309" = bitcast <8 x i1> %".308" to i8
  %".310" = zext i8 %".309" to i64
  %".311" = and i64 %".280", %".310"
  store i64 %".311", ptr %".283"
  br label %"bit.body.if.endif"
bit.body.if.endif:
  %".314" = load i64, ptr %".283"
  %".317" = mul i64 %".242", %".316"
  %".321" = getelementptr float, ptr %".320", i64 %".317"
  %".325" = getelementptr i64, ptr %".324", i64 %".317"
  %".326" = sub i64 %".287", %".35"
  %".327" = icmp slt i64 %".326", 8
  %".328" = select  i1 %".327", i64 %".326", i64 8
  %".329" = sub i64 64, %".328"
  %".330" = lshr i64 -1, %".329"
  %".331" = and i64 %".314", %".330"
  %".335" = getelementptr i64, ptr %".334", i64 %".242"
  %".336" = load i64, ptr %".335", align 8
  %".337" = icmp eq i64 %".336", 0
  br i1 %".337", label %"bit.body.if.endif.if", label %"bit.body.if.endif.endif"
bit.body.if.endif.if:
  %".342" = getelementptr i64, ptr %".341", i64 %".242"
  %".343" = load i64, ptr %".342"
  store i64 %".343", ptr %".344"
  %".348" = add i64 %".35", %".347"
  store i64 %".331", ptr %".349"
  br label %"bit.head.1"
bit.body.if.endif.endif:
  br label %"bit.body.endif"
bit.head.1:
  %".352" = load i64, ptr %".349"
  %".353" = icmp ne i64 %".352", 0
  br i1 %".353", label %"bit.body.1", label %"bit.done.1"
bit.body.1:
  %".355" = load i64, ptr %".349"
  %".356" = sub i64 %".355", 1
  %".357" = and i64 %".355", %".356"
  store i64 %".357", ptr %".349"
  %".359" = call i64 @"llvm.cttz.i64"(i64 %".355", i1 1)
  %".360" = add i64 %".35", %".359"
  store i1 1, ptr %".361"
  %".365" = icmp ne i64 %".364", 0
  br i1 %".365", label %"bit.body.1.if", label %"bit.body.1.endif", !prof !0
bit.done.1:
  %".474" = load i64, ptr %".344"
  store i64 %".474", ptr %".342"
  %".479" = getelementptr i64, ptr %".478", i64 %".242"
  %".480" = load i64, ptr %".479", align 8
  %".481" = icmp sge i64 %".474", %".480"
  br i1 %".481", label %"bit.done.1.if", label %"bit.done.1.endif", !prof !0
bit.body.1.if:
  %".367" = add i64 %".360", %".300"
  store i64 %".367", ptr %".368"
  %".372" = icmp ne i64 %".371", 0
  br i1 %".372", label %"bit.body.1.if.if", label %"bit.body.1.if.endif"
bit.body.1.endif:
  %".460" = load i1, ptr %".361"
  br i1 %".460", label %"bit.body.1.endif.if", label %"bit.body.1.endif.endif"
bit.body.1.if.if:
  %".375" = getelementptr i64, ptr %".374", i64 %".360"
  %".376" = load i64, ptr %".375", align 8
  store i64 %".376", ptr %".368"
  br label %"bit.body.1.if.endif"
bit.body.1.if.endif:
  %".379" = load i64, ptr %".368"
  %".380" = icmp ne i64 %".304", 0
  br i1 %".380", label %"bit.body.1.if.endif.if", label %"bit.body.1.if.endif.endif"
bit.body.1.if.endif.if:
  %".382" = getelementptr i64, ptr %".296", i64 %".242"
  %".383" = load i64, ptr %".382", align 8
  %".386" = mul i64 %".379", %".385"
  %".387" = add i64 %".383", %".386"
  %".388" = getelementptr i8, ptr %".305", i64 %".387"
  %".389" = load i8, ptr %".388", align 1
  %".390" = icmp ne i8 %".389", 0
  store i1 %".390", ptr %".361"
  br label %"bit.body.1.if.endif.endif"
bit.body.1.if.endif.endif:
  %".395" = icmp ne i64 %".394", 0
  br i1 %".395", label %"bit.body.1.if.endif.endif.if", label %"bit.body.1.if.endif.endif.endif"
bit.body.1.if.endif.endif.if:
  %".398" = getelementptr i64, ptr %".397", i64 %".242"
  %".399" = load i64, ptr %".398", align 8
  %".400" = icmp ne i64 %".399", %".379"
  %".401" = load i1, ptr %".361"
  %".402" = and i1 %".401", %".400"
  store i1 %".402", ptr %".361"
  br label %"bit.body.1.if.endif.endif.endif"
bit.body.1.if.endif.endif.endif:
  %".407" = icmp ne i64 %".406", 0
  br i1 %".407", label %"bit.body.1.if.endif.endif.endif.if", label %"bit.body.1.if.endif.endif.endif.endif"
bit.body.1.if.endif.endif.endif.if:
  %".413" = getelementptr i64, ptr %".412", i64 %".242"
  %".414" = load i64, ptr %".413", align 8
  %".418" = getelementptr i64, ptr %".417", i64 %".242"
  %".419" = load i64, ptr %".418", align 8
  store i64 %".419", ptr %".420"
  store i64 %".414", ptr %".422"
  br label %"halve.head"
bit.body.1.if.endif.endif.endif.endif:
  br label %"bit.body.1.endif"
halve.head:
  %".425" = load i64, ptr %".420"
  %".426" = load i64, ptr %".422"
  %".427" = icmp slt i64 %".425", %".426"
  br i1 %".427", label %"halve.body", label %"halve.done"
halve.body:
  %".429" = load i64, ptr %".420"
  %".430" = load i64, ptr %".422"
  %".431" = add i64 %".429", %".430"
  %".432" = ashr i64 %".431", 1
  %".433" = getelementptr i64, ptr %".409", i64 %".432"
  %".434" = load i64, ptr %".433", align 8
  %".435" = icmp slt i64 %".434", %".379"
  %".436" = add i64 %".432", 1
  %".437" = select  i1 %".435", i64 %".436", i64 %".429"
  store i64 %".437", ptr %".420"
  %".439" = select  i1 %".435", i64 %".430", i64 %".432"
  store i64 %".439", ptr %".422"
  br label %"halve.head"
halve.done:
  store i1 0, ptr %".442"
  %".444" = load i64, ptr %".420"
  %".445" = icmp slt i64 %".444", %".414"
  br i1 %".445", label %"halve.done.if", label %"halve.done.endif"
halve.done.if:
  %".447" = load i64, ptr %".420"
  %".448" = getelementptr i64, ptr %".409", i64 %".447"
  %".449" = load i64, ptr %".448", align 8
  %".450" = icmp eq i64 %".449", %".379"
  store i1 %".450", ptr %".442"
  br label %"halve.done.endif"
halve.done.endif:
  %".453" = load i1, ptr %".442"
  %".454" = xor i1 %".453", -1
  %".455" = load i1, ptr %".361"
  %".456" = and i1 %".455", %".454"
  store i1 %".456", ptr %".361"
  br label %"bit.body.1.if.endif.endif.endif.endif"
bit.body.1.endif.if:
  %".462" = load i64, ptr %".344"
  %".463" = getelementptr float, ptr %".13", i64 %".359"
  %".464" = load float, ptr %".463", align 4
  %".465" = getelementptr float, ptr %".321", i64 %".462"
  store float %".464", ptr %".465", align 4
  %".467" = add i64 %".348", %".359"
  %".468" = getelementptr i64, ptr %".325", i64 %".462"
  store i64 %".467", ptr %".468", align 8
  %".470" = add i64 %".462", 1
  store i64 %".470", ptr %".344"
  br label %"bit.body.1.endif.endif"
bit.body.1.endif.endif:
  br label %"bit.head.1"
bit.done.1.if:
  %".483" = mul i64 %".242", %".316"
  %".484" = mul i64 %".483", 4
  %".485" = add i64 %".319", %".484"
  %".486" = getelementptr i64, ptr %".4", i64 0
  store i64 %".485", ptr %".486", align 8
  %".488" = mul i64 %".483", 8
  %".489" = add i64 %".323", %".488"
  %".490" = getelementptr i64, ptr %".4", i64 1
  store i64 %".489", ptr %".490", align 8
  %".492" = mul i64 %".242", 8
  %".493" = add i64 %".340", %".492"
  %".494" = getelementptr i64, ptr %".4", i64 2
  store i64 %".493", ptr %".494", align 8
  %".496" = mul i64 %".242", 8
  %".497" = add i64 %".477", %".496"
  %".498" = getelementptr i64, ptr %".4", i64 3
  store i64 %".497", ptr %".498", align 8
  %".500" = mul i64 %".242", 4
  %".501" = add i64 %".153", %".500"
  %".502" = getelementptr i64, ptr %".4", i64 4
  store i64 %".501", ptr %".502", align 8
  %".506" = mul i64 %".242", 4
  %".507" = add i64 %".505", %".506"
  %".508" = getelementptr i64, ptr %".4", i64 5
  store i64 %".507", ptr %".508", align 8
  %".510" = mul i64 %".242", 8
  %".511" = add i64 %".333", %".510"
  %".512" = getelementptr i64, ptr %".4", i64 6
  store i64 %".511", ptr %".512", align 8
  %".516" = getelementptr i64, ptr %".4", i64 7
  store i64 %".515", ptr %".516", align 8
  %".520" = getelementptr i64, ptr %".4", i64 8
  store i64 %".519", ptr %".520", align 8
  %".524" = getelementptr i64, ptr %".4", i64 9
  store i64 %".523", ptr %".524", align 8
  %".528" = getelementptr i64, ptr %".4", i64 10
  store i64 %".527", ptr %".528", align 8
  %".532" = getelementptr i64, ptr %".4", i64 11
  store i64 %".531", ptr %".532", align 8
  %".536" = getelementptr i64, ptr %".4", i64 12
  store i64 %".535", ptr %".536", align 8
  %".538" = call i64 @"search_tighten"(ptr %".4")
  br label %"bit.done.1.endif"
bit.done.1.endif:
  br label %"bit.body.if.endif.endif"
finish.head:
  %"finish" = phi  i64 [0, %"panel.done"], [%".595", %"finish.body"]
  %".551" = icmp slt i64 %"finish", %".549"
  br i1 %".551", label %"finish.body", label %"finish.done"
finish.body:
  %".553" = mul i64 %"finish", %".316"
  %".554" = mul i64 %".553", 4
  %".555" = add i64 %".319", %".554"
  %".556" = getelementptr i64, ptr %".4", i64 0
  store i64 %".555", ptr %".556", align 8
  %".558" = mul i64 %".553", 8
  %".559" = add i64 %".323", %".558"
  %".560" = getelementptr i64, ptr %".4", i64 1
  store i64 %".559", ptr %".560", align 8
  %".562" = mul i64 %"finish", 8
  %".563" = add i64 %".340", %".562"
  %".564" = getelementptr i64, ptr %".4", i64 2
  store i64 %".563", ptr %".564", align 8
  %".566" = mul i64 %"finish", 8
  %".567" = add i64 %".477", %".566"
  %".568" = getelementptr i64, ptr %".4", i64 3
  store i64 %".567", ptr %".568", align 8
  %".570" = mul i64 %"finish", 4
  %".571" = add i64 %".153", %".570"
  %".572" = getelementptr i64, ptr %".4", i64 4
  store i64 %".571", ptr %".572", align 8
  %".574" = mul i64 %"finish", 4
  %".575" = add i64 %".505", %".574"
  %".576" = getelementptr i64, ptr %".4", i64 5
  store i64 %".575", ptr %".576", align 8
  %".578" = mul i64 %"finish", 8
  %".579" = add i64 %".333", %".578"
  %".580" = getelementptr i64, ptr %".4", i64 6
  store i64 %".579", ptr %".580", align 8
  %".582" = getelementptr i64, ptr %".4", i64 7
  store i64 %".515", ptr %".582", align 8
  %".584" = getelementptr i64, ptr %".4", i64 8
  store i64 %".519", ptr %".584", align 8
  %".586" = getelementptr i64, ptr %".4", i64 9
  store i64 %".523", ptr %".586", align 8
  %".588" = getelementptr i64, ptr %".4", i64 10
  store i64 %".527", ptr %".588", align 8
  %".590" = getelementptr i64, ptr %".4", i64 11
  store i64 %".531", ptr %".590", align 8
  %".592" = getelementptr i64, ptr %".4", i64 12
  store i64 %".535", ptr %".592", align 8
  %".594" = call i64 @"search_tighten"(ptr %".4")
  %".595" = add i64 %"finish", 1
  br label %"finish.head"
finish.done:
  ret i64 0
}

declare <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".1")

declare i64 @"llvm.cttz.i64"(i64 %".1", i1 %".2")

!0 = !{ !"branch_weights", i32 1, i32 99 }
